/** Our view of the ledger, shown to peers and held against theirs (rule 17). Neither ever stops a message. */
import { isKeysteadError } from '@keystead/core'
import type { Attachment, Message } from '@keystead/didcomm'
import { type Head, pointOf } from '@keystead/light-client'
import { headAttachment, headOf } from '../protocols/ledger-head/messages.ts'
import { type Edge, tell } from './context.ts'
import type { Relationship } from './records.ts'
import { put } from './store.ts'

/** Messages of our own protocols carry it; agents of others would not know what it is. */
const OURS = 'https://keystead.dev/'

/** What to send along with a message of this type that has no attachment of its own. */
export async function ownView(edge: Edge, type: string): Promise<Attachment | undefined> {
  if (!type.startsWith(OURS)) return undefined
  const head = await edge.ports.ledger.pinnedHead()
  return head && headAttachment(head)
}

/** Says so when a peer was shown another history than we were; what cannot be judged now is left. */
export async function comparePeerView(edge: Edge, message: Message, relationship: Relationship): Promise<void> {
  try {
    const head = headOf(message)
    if (head) await compare(edge, head, relationship)
  } catch (error) {
    if (!isKeysteadError(error)) throw error
    if (error.code !== 'LEDGER_FORKED') return
    const name = relationship.label || 'a contact'
    tell(edge, {
      kind: 'ledger-forked',
      text: `the ledger shows ${name} another history than us, and signed both: do not rely on it; the evidence is kept`,
      relationship: relationship.id,
    })
  }
}

/**
 * Where we do not know ourselves where the network stands, or no longer, the contact's head is told on. All contacts are one voice, for
 * anybody can become two (rule 19).
 */
async function compare(edge: Edge, head: Head, { id }: Relationship): Promise<void> {
  const { ledger } = edge.ports
  if (!(await ledger.knowsWhereItStands()))
    await edge.records.commit([put('trust-point', id, { name: 'your contacts', ...pointOf(head) })])
  await ledger.comparePeerHead(head)
}
