/** Addresses of the public internet, by what they are and not by what they are not: RFC 6890 and IANA's registries after it. */
import { BlockList, isIP, isIPv6 } from 'node:net'

/** Special-purpose networks of IPv4; the last is multicast and everything above it. */
const SPECIAL_4 = blockList('ipv4', [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
])

/** Global unicast, outside of which no IPv6 address is public (RFC 4291, section 2.4): no mapped, translated or local ones. */
const GLOBAL_6 = blockList('ipv6', [['2000::', 3]])

/** Special-purpose networks inside it: Teredo and its neighbours, documentation, 6to4 (an IPv4 address in disguise). */
const SPECIAL_6 = blockList('ipv6', [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
])

export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false
  if (isIPv6(address)) return GLOBAL_6.check(address, 'ipv6') && !SPECIAL_6.check(address, 'ipv6')
  return !SPECIAL_4.check(address, 'ipv4')
}

function blockList(family: 'ipv4' | 'ipv6', networks: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList()
  for (const [network, bits] of networks) list.addSubnet(network, bits, family)
  return list
}
