/**
 * Fills a ledger with DIDs as if it had judged them: the same tables and proofs without the cost of signatures, so that a
 * million take minutes. All are alike and of one owner, which changes no size; only the first was ever signed.
 */
import { multibase, systemRandom } from '@keystead/core'
import { type SigningKey, sha256 } from '@keystead/crypto'
import {
  type DidState,
  decodeState,
  encodeState,
  type Genesis,
  genesisOperation,
  makeBody,
  operationHash,
  stateKey,
} from '@keystead/did-dkms'
import type { LedgerStore } from '@keystead/ledger'
import { appHash, validatorsOf } from '@keystead/light-client'
import { makeBlock } from '../packages/ledger/src/engine/embedded/block.ts'
import { putBlock, readSet, readTip } from '../packages/ledger/src/engine/embedded/blocks.ts'
import { putEntry } from '../packages/ledger/src/state/entries.ts'
import { rootsOf } from '../packages/ledger/src/state/execute.ts'
import { type MapChange, mapUpdate } from '../packages/ledger/src/state/map-tree.ts'
import { Batch, nodesOf } from '../packages/ledger/src/state/store.ts'

/** DIDs that become durable together: many, since each commit rewrites pages all over the file. */
const TOGETHER = 20_000

/**
 * `first`: the genesis of the one DID that is there. Adds `count` more, and a header, by the validator's key, that proves
 * them. Returns the new DIDs' states.
 */
export async function fill(
  store: LedgerStore,
  validator: SigningKey,
  first: Genesis,
  count: number,
): Promise<DidState[]> {
  const tip = readTip(store)
  const template = decodeState(store.get('s', stateKey(first.did)) as Uint8Array)
  if (!tip) throw new Error('a ledger begins with a block')
  const { header } = tip.head
  const service = { id: 'agent', type: 'DIDCommMessaging', serviceEndpoint: 'https://agency.example/didcomm' }
  const states: DidState[] = []
  for (let done = 0; done < count; ) {
    const batch = new Batch(store)
    const leaves: MapChange[] = []
    for (let i = 0; i < TOGETHER && done < count; i++, done++) {
      const body = makeBody([], [service], systemRandom)
      const { net, auth, notAfter, proof } = first
      const unsigned = genesisOperation(net, { auth, recovery: [], body, notAfter })
      const [one] = proof
      const verificationMethod = `${unsigned.did}#${one?.verificationMethod.split('#')[1]}`
      const signed = { ...one, verificationMethod, proofValue: multibase.encode(systemRandom(64)) }
      const op = { ...unsigned, proof: [signed] } as Genesis
      const hash = operationHash(op)
      const at = { i: tip.head.logSize + done, t: header.time.seconds, lost: 0, p: 1 }
      putEntry(batch, at, { op, body, hash })
      const state = { ...template, did: op.did, head: hash, logIndex: at.i, body: op.body }
      states.push(state)
      const value = encodeState(state)
      batch.put('s', stateKey(op.did), value)
      leaves.push({ key: stateKey(op.did), valueHash: sha256(value) })
    }
    mapUpdate(nodesOf(batch), leaves)
    store.restore(batch, header.height)
  }
  const roots = rootsOf(store, tip.head.logSize + count)
  const set = readSet(store, header.nextValidatorsHash) ?? []
  const block = await makeBlock({
    chainId: header.chainId,
    previous: tip.head,
    time: { seconds: header.time.seconds, nanos: header.time.nanos + 1 },
    txs: [],
    previousResults: tip.results,
    appHash: appHash(roots.mapRoot, roots.logRoot, roots.logSize),
    protocol: header.version.app,
    nextValidators: validatorsOf(set),
    key: validator,
  })
  const batch = new Batch(store)
  putBlock(batch, { head: { ...block, ...roots }, results: 0 }, set)
  store.restore(batch, header.height)
  return states
}
