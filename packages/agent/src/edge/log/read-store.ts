/** Reading a log at an agency with the key that only recovery yields (SYNC-10, RECOVERY-11). */
import { type Bytes, base64url, isKeysteadError } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { attachmentBytes } from '@keystead/didcomm'
import type { StoreDescriptor } from '@keystead/recovery'
import { type AuthorityEntry, type Batch, parseBatch, parseEntry } from '@keystead/wallet'
import * as log from '../../protocols/log/messages.ts'
import { type Edge, fault } from '../context.ts'
import type { PathKeys } from '../recovery/path-keys.ts'
import { askAt } from '../recovery/rescue.ts'

/** What one holder shows. */
export interface Shown {
  readonly entries: AuthorityEntry[]
  readonly batches: Batch[]
  /** What is neither. */
  damaged: number
}

/** All pages of one agency. What is no batch is passed over: another holder may have it whole. */
export async function readStore(edge: Edge, { vault, endpoint }: StoreDescriptor, path: PathKeys): Promise<Shown> {
  const challenge = await askAt(edge, endpoint, { type: log.LOG_CHALLENGE_REQUEST, body: { vault } })
  const agency = String(challenge.from)
  const reader = encodeMultikey(path.reader.publicKey)
  let nonce = String(challenge.body['nonce'])
  const found: Shown = { entries: [], batches: [], damaged: 0 }
  for (;;) {
    const signature = base64url.encode(await path.reader.sign(log.readTranscript(agency, vault, nonce)))
    const from = nextOf(found.batches)
    const wanted = log.wantedJson({ from, entries: nextEntry(found.entries) })
    const answer = await askAt(edge, endpoint, {
      type: log.LOG_READ,
      body: { vault, ...wanted, reader, nonce, signature },
    })
    if (answer.type !== log.LOG_SHOWN) throw fault('AGENCY_REFUSED', 'the agency shows no log')
    const shown = log.parseShown(answer.body)
    const before = found.entries.length + found.batches.length
    for (const attachment of answer.attachments ?? []) addTo(found, Uint8Array.from(attachmentBytes(attachment)))
    // An agency that shows nothing new would show nothing new for ever.
    if (!shown.more || shown.nonce === undefined || found.entries.length + found.batches.length === before) return found
    nonce = shown.nonce
  }
}

/** A batch begins with its version, an entry with a brace. */
export function addTo(found: Shown, bytes: Bytes): void {
  try {
    if (bytes[0] === 0x7b) found.entries.push(parseEntry(bytes))
    else found.batches.push(parseBatch(bytes))
  } catch (error) {
    if (!isKeysteadError(error)) throw error
    found.damaged++
  }
}

function nextOf(batches: readonly Batch[]): { chain: string; seq: number }[] {
  const next = new Map<string, number>()
  for (const { chain, seq } of batches) next.set(chain, Math.max(next.get(chain) ?? 0, seq + 1))
  return [...next].map(([chain, seq]) => ({ chain, seq }))
}

function nextEntry(entries: readonly AuthorityEntry[]): number {
  return Math.max(0, ...entries.map(({ seq }) => seq + 1))
}
