/** How this device speaks to a holder of the log: the same words to an agency and to a folder. */
import { isKeysteadError } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import type { AuthorityEntry } from '@keystead/wallet'
import * as log from '../../protocols/log/messages.ts'
import { ask } from '../agency-link.ts'
import { agencyOf, type Edge, fault } from '../context.ts'
import { ED25519 } from '../key-types.ts'
import { ownLog } from './authority.ts'
import { folderHolder } from './folder.ts'
import type { LogHolder } from './records.ts'

/** What a holder does. Each answer says what it has afterwards. `key` and `chain`: of another device than this one. */
export interface HolderLink {
  putEntry(bytes: Uint8Array): Promise<log.Held>
  putBatches(batches: readonly Uint8Array[], key?: string): Promise<log.Held>
  trim(before: number, chain?: string): Promise<log.Held>
  addReaders(readers: readonly string[]): Promise<log.Held>
  look(): Promise<log.Held>
}

/** Name of the holder that is the agency of our cloud agent. */
export const OWN_HOLDER = 'own'

export async function linkTo(edge: Edge, name: string): Promise<HolderLink> {
  const own = await ownLog(edge)
  const holder = await edge.records.get('holder', name)
  if (!own || !holder) throw fault('NO_BACKUP', 'this wallet has no log')
  if (holder.kind === 'folder') return folderHolder(edge, own, holder)
  const { did, account } = await addressOf(edge, holder)
  const { vault } = holder
  const ours = encodeMultikey((await edge.ports.vault.key(own.signing, ED25519)).publicKey)
  const held = async (type: string, body: Record<string, unknown>, attachments: readonly Uint8Array[] = []) => {
    const answer = await ask(edge, did, account, { type, body: { vault, ...body } as never, attachments })
    if (answer.type !== log.LOG_HELD && answer.type !== log.LOG_SHOWN)
      throw fault('AGENCY_REFUSED', 'the agency does not keep logs')
    return answer.type === log.LOG_HELD ? log.parseHeld(answer.body) : log.parseShown(answer.body)
  }
  return {
    putEntry: (bytes) => held(log.LOG_PUT_ENTRY, {}, [bytes]),
    putBatches: (batches, key = ours) => held(log.LOG_PUT, { log: own.log, key }, batches),
    trim: (before, chain = own.chain) => held(log.LOG_TRIM, { chain, before }),
    addReaders: (readers) => held(log.LOG_READERS, { readers }),
    look: () => held(log.LOG_FETCH, log.wantedJson({ from: [], entries: 2 ** 31 - 1 })),
  }
}

export async function addressOf(
  edge: Edge,
  { kind, did, account }: LogHolder,
): Promise<{ did: string; account: string }> {
  return kind === 'own' ? agencyOf(edge) : { did, account }
}

/**
 * Puts an entry at our agency before it is in force here: where there are several devices, the first one there decides. Rejects
 * with `NOT_ALLOWED_NOW` when another was quicker.
 */
export async function claimEntry(edge: Edge, entry: AuthorityEntry): Promise<void> {
  if (entry.devices.length < 2) return
  try {
    await (await linkTo(edge, OWN_HOLDER)).putEntry(entry.bytes)
  } catch (error) {
    if (!isKeysteadError(error, 'BACKUP_CONFLICT')) throw error
    throw fault(
      'NOT_ALLOWED_NOW',
      'another device of yours has just changed this log: synchronize, and try again',
      error,
    )
  }
}
