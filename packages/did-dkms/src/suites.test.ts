/** Rule 14: which suites there are is the protocol version's to say. */
import { encodeMultikey, type SigningKey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { expect, test } from 'vitest'
import { operationHash } from './identifier.ts'
import { signedOperationHash } from './log.ts'
import { applyNetwork } from './network/apply.ts'
import { networkOperationAfter } from './network/build.ts'
import { type NetworkGenesis, networkHash, parseNetworkGenesis } from './network/genesis.ts'
import { replayNetwork } from './network/history.ts'
import { developmentParameters } from './network/parameters.ts'
import { initialNetwork } from './network/state.ts'
import type { NetworkOperation, NetworkSubmission } from './network/types.ts'
import { encodeSubmission, parseSubmission } from './parse/submission.ts'
import { RULES, type Rules, type RulesTable, withSuites } from './rules.ts'
import { signOperation } from './signing.ts'
import { Governor } from './testing/governor.ts'
import { LATER_SUITES, laterKey } from './testing/later-suite.ts'
import { Owner } from './testing/owner.ts'
import type { Submission } from './types.ts'

const T0 = 1_800_000_000
const version1 = RULES.get(1) as Rules
const version2: Rules = { ...withSuites(version1, LATER_SUITES), version: 2 }
const newer: RulesTable = new Map([...RULES, [2, version2]])
const NOT_PERMITTED = { ok: false, code: 'SUITE_NOT_PERMITTED' }

/** A network that one key governs, and after it `next`. */
async function network(next?: SigningKey) {
  const governor = await Governor.make(nodeKeyProvider(), T0 + 3600, 1, 1)
  if (next) governor.next = [next]
  const [validator] = (await governor.keys(1)) as [SigningKey]
  const genesis: NetworkGenesis = {
    v: 1,
    chainId: 'keystead-test',
    time: T0,
    parameters: developmentParameters,
    validators: [{ k: encodeMultikey(validator.publicKey), power: 1 }],
    governance: governor.authority(),
  }
  const owner = new Owner(nodeKeyProvider(), networkHash(genesis), T0 + 60)
  owner.suites = LATER_SUITES
  return { genesis, governor, owner, net: networkHash(genesis) }
}

const read = (submission: Submission) => parseSubmission(encodeSubmission(submission))

test('DKMS-8: an operation of a suite is refused before the version that brings it, and good by its rules', async () => {
  const { owner, net } = await network()
  const genesis = read(await owner.genesis({ keys: { now: [laterKey()], next: [laterKey()] } }))
  const context = { net, parameters: developmentParameters, time: T0, lost: 0, logIndex: 0 }
  // The same object, as a node judges it again and again: a verdict of one version is never taken for another's.
  for (const [rules, outcome] of [
    [version1, NOT_PERMITTED],
    [version2, { ok: true }],
    [version1, NOT_PERMITTED],
  ] as const)
    expect(rules.apply(undefined, genesis, context)).toMatchObject(outcome)
  const [proof] = genesis.operation.proof
  const forged = { ...genesis.operation, proof: [{ ...proof, cryptosuite: 'ecdsa-jcs-2019' }] } as never
  expect(version2.apply(undefined, { ...genesis, operation: forged }, context)).toMatchObject({ code: 'BAD_PROOF' })
})

test('DKMS-8: a DID changes to a suite by rotation, to a key that it committed to before', async () => {
  const { owner, net } = await network()
  const context = { net, parameters: developmentParameters, time: T0, lost: 0, logIndex: 0 }
  const keys = { now: await owner.make(1), next: [laterKey()] }
  const registered = version1.apply(undefined, read(await owner.genesis({ keys })), context)
  if (!registered.ok) throw new Error(registered.code)
  const { submission, adopt } = await owner.rotate(registered.state)
  expect(version1.apply(registered.state, read(submission), context)).toMatchObject(NOT_PERMITTED)
  const rotated = version2.apply(registered.state, read(submission), context)
  if (!rotated.ok) throw new Error(rotated.code)
  adopt()
  const update = read(await owner.update(rotated.state))
  expect(version2.apply(rotated.state, update, context)).toMatchObject({ ok: true, state: { seq: 2 } })
})

test('NET-10: governance, too, signs in a suite from its version on, and whoever replays its log judges it so', async () => {
  const later = laterKey()
  const { genesis, governor, net } = await network(later)
  const auth = governor.authority([later], [laterKey()])
  const unsigned = networkOperationAfter(initialNetwork(genesis).governance, net, T0 + 60, { type: 'governance', auth })
  const operation = (await signOperation(unsigned, [later], LATER_SUITES)) as NetworkOperation
  const submission: NetworkSubmission = { operation, hash: operationHash(operation) }
  const context = { net, time: T0, lost: 0 }
  const state = initialNetwork(genesis)
  expect(applyNetwork(state, submission, context, version1.suites)).toMatchObject(NOT_PERMITTED)
  expect(applyNetwork(state, submission, context, version2.suites)).toMatchObject({ ok: true })
  const at = (p: number) => [{ entry: { i: 0, t: T0, lost: 0, p, s: signedOperationHash(operation) }, submission }]
  expect(replayNetwork(genesis, at(2), newer).governance.auth).toEqual(auth)
  expect(() => replayNetwork(genesis, at(1), newer)).toThrow(expect.objectContaining({ code: 'SUITE_NOT_PERMITTED' }))
  expect(() => replayNetwork(genesis, at(2))).toThrow(expect.objectContaining({ code: 'UPDATE_REQUIRED' }))
})

test('NET-14: a genesis document cannot name governance keys that could not sign', async () => {
  const { genesis, governor } = await network()
  expect(parseNetworkGenesis(genesis as never)).toEqual(genesis)
  const governance = governor.authority([laterKey()])
  expect(() => parseNetworkGenesis({ ...genesis, governance } as never)).toThrow(/protocol version 1/)
})

test('a key is not signed with in a suite that the network does not permit', async () => {
  const { owner } = await network()
  const keys = { now: [laterKey()], next: [laterKey()] }
  await owner.genesis({ keys })
  owner.suites = version1.suites
  await expect(owner.genesis({ keys })).rejects.toMatchObject({ code: 'SUITE_NOT_PERMITTED' })
})
