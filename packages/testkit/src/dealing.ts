/** Recovery contacts of a person of a test. */
import type { RecoveryChoice } from '@keystead/agent/edge'
import type { Kit } from '@keystead/recovery'
import type { Network } from './network.ts'
import type { Person } from './person.ts'

/** Three people whom the owner is connected to. */
export async function threeContacts(
  network: Network,
  owner: Person,
  names = ['bob', 'carol', 'dave'],
): Promise<Person[]> {
  const contacts: Person[] = []
  for (const name of names) {
    const contact = await network.person(name)
    await network.connect(owner, contact)
    contacts.push(contact)
  }
  return contacts
}

/** Dealt to these contacts, two of whom are needed, and kept by each of them. */
export async function dealTo(
  network: Network,
  owner: Person,
  contacts: readonly Person[],
  choice: Partial<RecoveryChoice> = {},
): Promise<Kit> {
  const names = contacts.map(({ name }) => name)
  const kit = await owner.agent.recovery.setUp({ contacts: names, threshold: 2, ...choice })
  await network.settle(owner, ...contacts)
  for (const contact of contacts) await contact.agent.approve()
  await network.settle(owner, ...contacts)
  return kit
}
