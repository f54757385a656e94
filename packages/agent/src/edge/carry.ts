/**
 * Messages carried by hand: what waits in the outbox goes into a file, and what a file brings is handled as if the mailbox had
 * brought it. So every ceremony passes between machines with no network. A file holds sealed messages and nothing else.
 */
import { type Bytes, base64url, canonicalJson, Fields, isKeysteadError, KeysteadError, parseJson } from '@keystead/core'
import { didOf, peerShortForm } from '@keystead/did'
import { MAX_CARRIED_BYTES, MAX_CARRIED_MESSAGES } from '../limits.ts'
import { type Edge, findContact, tell } from './context.ts'
import { handleCarried } from './inbox.ts'
import { packOutgoing, wasOrIs } from './outbox.ts'
import { type Change, remove } from './store.ts'

const TYPE = 'https://keystead.dev/carried/1.0'

export interface Carried {
  readonly messages: number
  /** That stay where they were: unreadable yet without the ledger, or, on the way out, not to be packed without it. */
  readonly waiting: number
}

/**
 * Everything that waits to be sent, or what is for one contact. `write` makes the file durable; only then does the outbox
 * forget: the file is the only copy.
 */
export async function carryOut(
  edge: Edge,
  write: (file: Bytes) => void | Promise<void>,
  to?: string,
): Promise<Carried> {
  const contact = to === undefined ? undefined : await findContact(edge, to)
  const packed: Bytes[] = []
  const gone: Change[] = []
  let waiting = 0
  for (const { name, value } of await edge.records.all('outbox')) {
    if (value.kind !== 'message') continue
    if (contact && !wasOrIs(peerShortForm(didOf(value.message.to)), contact.peer)) continue
    if (packed.length >= MAX_CARRIED_MESSAGES) break
    try {
      packed.push(await packOutgoing(edge, value.message))
      gone.push(remove('outbox', name))
    } catch (error) {
      if (!isKeysteadError(error)) throw error
      waiting++
      tell(edge, { kind: 'waiting', text: `a message is not in the file: ${error.message}` })
    }
  }
  await write(canonicalJson({ v: 1, type: TYPE, messages: packed.map((bytes) => base64url.encode(bytes)) }))
  await edge.records.commit(gone)
  return { messages: packed.length, waiting }
}

/** Rejects with `BAD_FILE` for what is no such file; messages in it that are not for us are refused one by one. */
export async function carryIn(edge: Edge, file: Uint8Array): Promise<Carried> {
  let waiting = 0
  const all = messagesOf(file)
  for (const bytes of all) if (!(await handleCarried(edge, bytes))) waiting++
  return { messages: all.length - waiting, waiting }
}

function messagesOf(file: Uint8Array): Bytes[] {
  try {
    const fields = new Fields(parseJson(file, MAX_CARRIED_BYTES), 'file')
    fields.literal('v', 1)
    fields.literal('type', TYPE)
    const messages = fields.array('messages', { max: MAX_CARRIED_MESSAGES }, (item) => base64url.decode(String(item)))
    fields.end()
    return messages
  } catch (cause) {
    throw new KeysteadError('BAD_FILE', 'this file does not carry messages', { cause })
  }
}
