/**
 * What a reader refuses although the network signed the header: a node that has the validators' signatures on one state, and a state
 * of its own beside them (PROOF-3, PROOF-5). Every bundle here is sound in itself but for one thing.
 */
import type { Bytes } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import {
  type Body,
  decodeState,
  encodeState,
  encodeSubmission,
  networkHash,
  SYSTEM_KEY,
  stateKey,
} from '@keystead/did-dkms'
import { appHash, type Head, type ProofBundle, readState } from '@keystead/light-client'
import { afterEach, describe, expect, test } from 'vitest'
import { Owner } from '../../../did-dkms/src/testing/owner.ts'
import { START } from '../../../light-client/src/testing/chain.ts'
import { mapProve, mapRoot, mapUpdate } from '../state/map-tree.ts'
import { BftLedger } from '../testing/bft.ts'
import { keys, removeFolders } from '../testing/ledger.ts'
import { readBundle } from './read.ts'

afterEach(removeFolders)

/** Two DIDs on one ledger, and what it honestly says of each. */
async function honest() {
  const ledger = new BftLedger()
  const owner = () => new Owner(keys, networkHash(ledger.genesis), START + 86_400)
  const made = [await owner().genesis(), await owner().genesis()] as const
  for (const one of made) await ledger.submit(encodeSubmission(one))
  const [did, other] = made.map(({ operation }) => operation.did) as [string, string]
  return { ledger, did, bundle: readBundle(ledger.view(), did), other: readBundle(ledger.view(), other) }
}

/** A map with two leaves alone, and the proofs of both. */
function ownMap(system: Bytes, key: Bytes, state: Bytes) {
  const nodes = new Map<string, Uint8Array>()
  const store = {
    get: (path: string) => nodes.get(path),
    set: (path: string, node: Uint8Array) => void nodes.set(path, node),
  }
  mapUpdate(store, [
    { key: SYSTEM_KEY, valueHash: sha256(system) },
    { key, valueHash: sha256(state) },
  ])
  return { mapRoot: mapRoot(store), systemProof: mapProve(store, SYSTEM_KEY), stateProof: mapProve(store, key) }
}

/** A header that commits to this map; whether it is signed is not `readState`'s business. */
function over(mapRoot: Bytes, { header, commit, logRoot, logSize }: Head): Head {
  return { header: { ...header, appHash: appHash(mapRoot, logRoot, logSize) }, commit, mapRoot, logRoot, logSize }
}

describe('PROOF-5: a reader refuses', () => {
  const refused = (did: string, bundle: ProofBundle, ledger: BftLedger, code = 'PROOF_INVALID') =>
    expect(() => readState(did, bundle, ledger)).toThrow(expect.objectContaining({ code }))

  test('a state of the node’s own, with proofs that hold, beside a header that commits to another', async () => {
    const { ledger, did, bundle } = await honest()
    const state = decodeState(bundle.state as Bytes)
    const forged = encodeState({ ...state, updated: state.updated + 1 })
    const { mapRoot: root, ...proofs } = ownMap(bundle.system, stateKey(did), forged)
    const lie = { ...bundle, ...proofs, state: forged }
    expect(readState(did, { ...lie, head: over(root, bundle.head) }, ledger).state?.updated).toBe(state.updated + 1)
    refused(did, { ...lie, head: { ...bundle.head, mapRoot: root } }, ledger)
  })

  test('a log of the node’s own beside the proven state', async () => {
    const { ledger, did, bundle } = await honest()
    refused(did, { ...bundle, head: { ...bundle.head, logRoot: sha256(bundle.head.logRoot) } }, ledger)
    refused(did, { ...bundle, head: { ...bundle.head, logSize: bundle.head.logSize + 1 } }, ledger)
  })

  test('the state of another DID in this one’s place, also if validators signed that', async () => {
    const { ledger, did, bundle, other } = await honest()
    const { mapRoot: root, ...proofs } = ownMap(bundle.system, stateKey(did), other.state as Bytes)
    refused(did, { ...other, ...proofs, head: over(root, bundle.head) }, ledger)
  })

  test('a body that the state does not name, the right one twice, and none', async () => {
    const { ledger, did, bundle, other } = await honest()
    const [own, foreign] = [bundle.bodies[0], other.bodies[0]] as [Body, Body]
    expect(readState(did, bundle, ledger).body).toEqual(own)
    for (const bodies of [[own, foreign], [own, own], [foreign], []]) refused(did, { ...bundle, bodies }, ledger)
  })

  test('a head of another chain (PROOF-10)', async () => {
    const { ledger, did, bundle } = await honest()
    const header = { ...bundle.head.header, chainId: 'other' }
    refused(did, { ...bundle, head: { ...bundle.head, header } }, ledger, 'WRONG_NETWORK')
  })
})
