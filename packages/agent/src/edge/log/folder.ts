/**
 * A folder as a holder of the log (rule 26): one file a batch, named by its place, the same bytes that an agency has. A
 * disk that is taken along, or a folder that something else copies; whoever reads it reads nothing.
 */
import { isKeysteadError } from '@keystead/core'
import { type AuthorityEntry, type Batch, parseBatch, parseEntry } from '@keystead/wallet'
import type { Held } from '../../protocols/log/messages.ts'
import { type Edge, fault } from '../context.ts'
import type { FolderPort } from '../ports.ts'
import type { HolderLink } from './holder-link.ts'
import type { LogHolder, OwnLog } from './records.ts'

const ENTRY = /^authority\.(\d{10})\.entry$/
const BATCH = /^([A-Za-z0-9_-]{22})\.(\d{10})\.batch$/

export function folderHolder(edge: Edge, own: OwnLog, holder: LogHolder): HolderLink {
  const folder = folderAt(edge, holder.url)
  const held = async (): Promise<Held> => heldIn(folder, await folder.list())
  return {
    putEntry: async (bytes) => {
      const entry = parseEntry(Uint8Array.from(bytes))
      await folder.write(`authority.${padded(entry.seq)}.entry`, bytes)
      return held()
    },
    putBatches: async (batches) => {
      for (const bytes of batches) {
        const { chain, seq } = parseBatch(Uint8Array.from(bytes))
        await folder.write(`${chain}.${padded(seq)}.batch`, bytes)
      }
      return held()
    },
    trim: async (before, chain = own.chain) => {
      for (const name of await folder.list()) {
        const [, of, seq] = BATCH.exec(name) ?? []
        if (of === chain && Number(seq) < before) await folder.remove(name)
      }
      return held()
    },
    addReaders: held,
    look: held,
  }
}

/** All that is in a folder; files that are no part of a log are passed over, damaged ones counted. */
export async function readFolder(
  edge: Edge,
  path: string,
): Promise<{ entries: AuthorityEntry[]; batches: Batch[]; damaged: number }> {
  const folder = folderAt(edge, path)
  const found: { entries: AuthorityEntry[]; batches: Batch[]; damaged: number } = {
    entries: [],
    batches: [],
    damaged: 0,
  }
  for (const name of await folder.list()) {
    if (!ENTRY.test(name) && !BATCH.test(name)) continue
    try {
      const bytes = Uint8Array.from(await folder.read(name))
      if (ENTRY.test(name)) found.entries.push(parseEntry(bytes))
      else found.batches.push(parseBatch(bytes))
    } catch (error) {
      if (!isKeysteadError(error)) throw error
      found.damaged++
    }
  }
  return found
}

async function heldIn(folder: FolderPort, names: readonly string[]): Promise<Held> {
  const newest = new Map<string, string>()
  let entries = 0
  for (const name of names) {
    const entry = ENTRY.exec(name)
    if (entry) entries = Math.max(entries, Number(entry[1]) + 1)
    const [, chain = ''] = BATCH.exec(name) ?? []
    if (chain !== '' && name > (newest.get(chain) ?? '')) newest.set(chain, name)
  }
  const heads = []
  for (const name of newest.values()) {
    // A file that is damaged at the end is as good as none.
    const batch = await folder.read(name).then(
      (bytes) => safely(() => parseBatch(Uint8Array.from(bytes))),
      () => undefined,
    )
    if (batch) heads.push({ chain: batch.chain, seq: batch.seq, hash: batch.hash })
  }
  return { heads, entries }
}

function folderAt(edge: Edge, path: string): FolderPort {
  const folder = edge.ports.folder?.(path)
  if (!folder) throw fault('NO_BACKUP', 'this device keeps no backups in folders')
  return folder
}

function safely<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

const padded = (seq: number): string => String(seq).padStart(10, '0')
