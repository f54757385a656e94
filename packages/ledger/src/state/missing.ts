/** Bodies that did not come with their operations, where a ledger is copied: each must have been erased by its DID (rule 12). */
import { decodeState, stateKey } from '@keystead/did-dkms'
import type { Batch, PinnedReader } from './store.ts'

const NOTE = /^want (\S+) (\d+)$/

/** Notes a missing body, until `settleMissing`. */
export function noteMissing(batch: Batch, did: string, seq: number): void {
  batch.put('m', `want ${did} ${seq}`, new Uint8Array(0))
}

/** Drops all notes. Returns one that nothing explains, in words, or undefined. `batch` lies over what `store` shows. */
export function settleMissing(store: PinnedReader, batch: Batch): string | undefined {
  const names = [...batch.changes.keys()].filter((name) => name[0] === 'm').map((name) => name.slice(1))
  for (const [key] of store.range('m')) names.push(Buffer.from(key).toString('latin1'))
  for (const name of names) {
    const [, did, seq] = NOTE.exec(name) ?? []
    if (did === undefined) continue
    const state = batch.get('s', stateKey(did))
    if (!state || Number(seq) > (decodeState(state).erased ?? -1))
      return `the body of operation ${seq} of ${did} is missing, and nobody erased it`
    batch.remove('m', name)
  }
  return undefined
}
