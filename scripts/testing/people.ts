/** What several tests of the programs begin with: people with wallets who know each other, and one with a second device. */
import type { Person } from '../story/person.ts'

/** Each makes a wallet, and the first invites all others; who they are in public is told both ways. */
export async function acquaint(owner: Person, ...others: readonly Person[]): Promise<void> {
  for (const person of [owner, ...others]) await person.run(['init', '--label', person.name])
  for (const person of others) {
    const { data } = await owner.run(['invite', '--tell'])
    await owner.listening(() => person.run(['accept', data.url, '--tell', '--wait', '60']))
  }
}

/** Lets a new device into the owner's wallet. `can`: what it may do for the owner's DID. */
export async function linkDevice(owner: Person, device: Person, can: string): Promise<void> {
  const linking = device.background(['device', 'link', '--seconds', '500'])
  const { url } = (await linking.event('link')) as { url: string }
  await owner.run(['device', 'approve', url, '--seconds', '120'], 75)
  const { code } = (await linking.event('link-code')) as { code: string }
  await owner.run(['device', 'approve', '--code', code, '--can', can, '--seconds', '120'])
  const { status, data, notes } = await linking.done
  if (data.linked !== true) throw new Error(`${device.name} is no device of ${owner.name}: ${status}\n${notes}`)
}
