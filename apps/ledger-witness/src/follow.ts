/** Goes to the logs that do not come: asks for the newest checkpoint, makes the proof from tiles, and cosigns like any other. */
import { utf8Decode } from '@keystead/core'
import { consistencyFromTiles, parseCheckpoint, parseNote, type Tile, tilePath } from '@keystead/light-client'
import type { Witness, WitnessAnswer } from './witness.ts'

/** Bytes of a note, or of a tile of 256 hashes. */
const MAX_ANSWER_BYTES = 64 * 1024
const REQUEST_TIMEOUT_MS = 10_000

/** The body of a successful answer. Rejects otherwise. */
export type Get = (url: string) => Promise<Uint8Array>

export const getOverHttp: Get = async (url) => {
  const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) })
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`)
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of answer.body ?? []) {
    length += part.length
    if (length > MAX_ANSWER_BYTES) throw new Error(`${url} answered too much`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** Looks once at a log. Undefined when it shows what belongs to another log. Rejects when it cannot be read. */
export async function lookAt(
  witness: Witness,
  log: { readonly origin: string; readonly url: string },
  get: Get,
): Promise<WitnessAnswer | undefined> {
  const note = utf8Decode(await get(`${log.url}/checkpoint`))
  const { origin, size } = parseCheckpoint(parseNote(note).text)
  if (origin !== log.origin) return undefined
  const old = witness.memory.newest(origin)?.size ?? 0
  const read = (tile: Tile): Promise<Uint8Array> => get(`${log.url}/${tilePath(tile)}`)
  // A shorter log needs no proof: it is refused as it stands.
  const path = old < size ? await consistencyFromTiles(read, old, size) : []
  return witness.add({ old, path, note }, 'log')
}
