/**
 * Data out of a wallet and into another one (VAULT-11). Keys stay, so what was under their control arrives as a memory: DIDs
 * as lost, contacts as ended. To have them back under control is what recovery is for.
 */
import type { Bytes, JsonObject } from '@keystead/core'
import {
  decodeExport,
  type ExportKey,
  type ExportTo,
  encodeExport,
  openAge,
  sealAge,
  type VaultRecord,
} from '@keystead/wallet'
import type { Edge } from './context.ts'
import { type Category, SEGMENTS } from './records.ts'

/** Bytes of an age file. The audit log says that records leave before they do. */
export async function exportWallet(edge: Edge, to: ExportTo): Promise<{ file: Bytes; records: number; keys: number }> {
  const { vault, clock } = edge.ports
  const [records, keys] = [await vault.exportRecords(), await vault.keys()]
  const plain = encodeExport({ wallet: vault.id, at: clock.now(), records, keys })
  const file = await sealAge(plain, to)
  plain.fill(0)
  await vault.noteExport(records.length)
  return { file, records: records.length, keys: keys.length }
}

export interface Imported {
  /** Id of the wallet they came from. */
  readonly wallet: string
  readonly added: number
  /** Records that this wallet has already; its own stay as they are. */
  readonly kept: number
  /** Records that mean something only where their keys are, or that this release does not know. */
  readonly left: number
}

/** Rejects with `BAD_EXPORT` and changes nothing then. */
export async function importWallet(edge: Edge, file: Bytes, key: ExportKey): Promise<Imported> {
  const { vault } = edge.ports
  const { wallet, records } = decodeExport(await openAge(file, key))
  const wanted = records.flatMap((record) => asMemory(record) ?? [])
  const fresh: VaultRecord[] = []
  for (const record of wanted) if ((await vault.get(record.category, record.name)) === undefined) fresh.push(record)
  await edge.records.putAll(fresh)
  return { wallet, added: fresh.length, kept: wanted.length - fresh.length, left: records.length - wanted.length }
}

const asItIs = (value: JsonObject): JsonObject => value
const lost = (value: JsonObject): JsonObject => ({ ...value, status: 'lost' })
const closed = (value: JsonObject): JsonObject => ({ ...value, status: 'closed' })

/** What each category becomes where its keys are not; the others are left. */
const ARRIVES: Partial<Record<Category, (value: JsonObject) => JsonObject>> = {
  identity: lost,
  relationship: closed,
  correspondent: closed,
  text: asItIs,
  credential: asItIs,
  presentation: asItIs,
  share: asItIs,
  // A place in the status list of the wallet it came from says nothing in ours.
  issued: ({ index: _, ...value }) => value,
}

function asMemory(record: VaultRecord): VaultRecord | undefined {
  const { category, segment, value } = record
  const arrive = Object.hasOwn(ARRIVES, category) ? ARRIVES[category as Category] : undefined
  if (!arrive || SEGMENTS[category as Category] !== segment) return undefined
  return { ...record, value: arrive(value) }
}
