/** Another device of a person of a test. */
import type { Capability } from '@keystead/did-dkms'
import { AGENCY, type Network } from './network.ts'
import type { Person } from './person.ts'

/** Linked, approved, and in every relationship; `others` are those who are told. */
export async function linkDevice(
  network: Network,
  approver: Person,
  name: string,
  { can = ['PROVE', 'SUSPEND'], others = [] }: { can?: readonly Capability[]; others?: readonly Person[] } = {},
): Promise<Person> {
  const device = await network.newcomer(name)
  await device.agent.addCloudAgent({ did: network.agency.options.did, url: AGENCY })
  const { url = '' } = await device.agent.devices.link(name, 'https://wallet.test/')
  await approver.agent.devices.greet(url)
  for (let round = 0; round < 3; round++) {
    await device.agent.sync()
    await approver.agent.sync()
  }
  const { code = '' } = (await device.agent.devices.linking()) ?? {}
  await approver.agent.devices.approveLink(code, { capabilities: can, seconds: 86_400 })
  await network.settle(approver, device, ...others)
  return device
}
