import { FakeClock } from '@keystead/core'
import { describe, expect, it } from 'vitest'
import { MAX_ADDRESSES } from '../limits.ts'
import { Brakes } from './brakes.ts'
import { addressOf, remoteAddress } from './remote-address.ts'

describe('AGENCY-13 brakes', () => {
  it('admit a burst, then the rate, each address for itself', async () => {
    const clock = new FakeClock(0)
    const brakes = new Brakes({ perSecond: 2, atOnce: 5 }, clock)
    const count = (address: string, asked = 100): number =>
      Array.from({ length: asked }, () => brakes.admits(address)).filter(Boolean).length
    expect(count('a')).toBe(5)
    expect(count('b')).toBe(5)
    clock.advance(3000)
    expect(count('a')).toBe(5)
    clock.advance(1000)
    expect(count('a')).toBe(2)
  })

  it('remember so many addresses and no more', () => {
    const brakes = new Brakes({ perSecond: 1, atOnce: 1 }, new FakeClock(0))
    brakes.admits('first')
    for (let n = 0; n < MAX_ADDRESSES; n++) brakes.admits(String(n))
    expect(brakes.admits('first')).toBe(true)
    expect(brakes.admits(String(MAX_ADDRESSES - 1))).toBe(false)
  })

  it('count IPv6 by its /64, and IPv4 alike in both spellings', () => {
    expect(addressOf('2001:db8:1:2:3:4:5:6')).toBe(addressOf('2001:db8:1:2::9'))
    expect(addressOf('2001:db8:1:3::9')).not.toBe(addressOf('2001:db8:1:2::9'))
    expect(addressOf('::1')).toBe('0:0:0:0')
    expect(addressOf('fe80::1%eth0')).toBe('fe80:0:0:0')
    expect(addressOf('::ffff:192.0.2.7')).toBe('192.0.2.7')
  })

  it('believe X-Forwarded-For only behind a proxy, and then only what the proxy appended', () => {
    const request = { headers: { 'x-forwarded-for': '198.51.100.1, 192.0.2.7' }, socket: { remoteAddress: '10.0.0.1' } }
    expect(remoteAddress(request, false)).toBe('10.0.0.1')
    expect(remoteAddress(request, true)).toBe('192.0.2.7')
    expect(remoteAddress({ ...request, headers: {} }, true)).toBe('10.0.0.1')
  })
})
