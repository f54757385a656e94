import { multihash } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { describe, expect, test } from 'vitest'
import { deriveDocument } from '../document.ts'
import { productionParameters } from '../network/parameters.ts'
import { settle } from '../settle.ts'
import { type DidState, decodeState, encodeState } from '../state.ts'
import { Owner } from '../testing/owner.ts'
import type { Submission } from '../types.ts'
import { type ApplyResult, apply } from './apply.ts'
import type { ApplyContext } from './context.ts'

const net = multihash.encode(new Uint8Array(32))
const T0 = 1_800_000_000
const provider = nodeKeyProvider()
const parameters = { ...productionParameters, minRecoveryDelay: 60, recoveryHold: 600 }
const at = (time: number, lost = 0): ApplyContext => ({ net, parameters, time, lost, logIndex: 7 })
const owner = (): Owner => new Owner(provider, net, T0 + 86_400)

function accepted(result: ApplyResult): DidState {
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`)
  expect(decodeState(encodeState(result.state))).toEqual(result.state)
  return result.state
}
const run = (state: DidState | undefined, submission: Submission, time = T0, lost = 0): DidState =>
  accepted(apply(state, submission, at(time, lost)))
const refused = (state: DidState | undefined, submission: Submission, time = T0, lost = 0): string => {
  const result = apply(state, submission, at(time, lost))
  return result.ok ? 'accepted' : result.code
}

describe('genesis', () => {
  test('DKMS-21: registers a DID once, on its own network, in time', async () => {
    const alice = owner()
    const genesis = await alice.genesis()
    const state = run(undefined, genesis)
    expect(state).toMatchObject({ seq: 0, status: 'active', did: genesis.operation.did, recovery: { epoch: 0 } })
    expect(refused(state, genesis)).toBe('ALREADY_EXISTS')
    expect(refused(undefined, genesis, T0 + 86_401)).toBe('EXPIRED')
    expect(refused(undefined, genesis, T0 - 30 * 86_400 - 1)).toBe('NOT_AFTER_TOO_FAR')
    const elsewhere = { ...at(T0), net: multihash.encode(new Uint8Array(32).fill(1)) }
    expect(apply(undefined, genesis, elsewhere)).toMatchObject({ ok: false, code: 'WRONG_NETWORK' })
  })

  test("DKMS-8: without the owner's signature nothing is registered", async () => {
    const [alice, mallory] = [owner(), owner()]
    const genesis = await alice.genesis()
    const stolen = await mallory.genesis()
    const forged = { ...genesis, operation: { ...genesis.operation, proof: stolen.operation.proof } }
    expect(refused(undefined, forged)).toBe('KEY_NOT_AUTHORIZED')
  })

  test('DKMS-11: a next key that is also a current key is refused', async () => {
    const alice = owner()
    await alice.genesis()
    alice.make = async (count) => alice.keys.now.slice(0, count)
    expect(refused(undefined, await alice.genesis())).toBe('KEY_ALREADY_EXPOSED')
  })
})

describe('update and anchor', () => {
  test('DKMS-10: need the threshold of keys in force', async () => {
    const board = owner()
    const state = run(undefined, await board.genesis({ count: 3, threshold: 2 }))
    expect(refused(state, await board.update(state, undefined, board.keys.now.slice(0, 1)))).toBe('THRESHOLD_NOT_MET')
    expect(run(state, await board.update(state, undefined, board.keys.now.slice(1))).seq).toBe(1)
    expect(refused(state, await board.update(state, undefined, board.keys.next))).toBe('KEY_NOT_AUTHORIZED')
  })

  test('DKMS-21: follow the newest operation and no other', async () => {
    const alice = owner()
    const state = run(undefined, await alice.genesis())
    const anchor = await alice.anchor(state, net)
    const after = run(state, anchor)
    expect(refused(after, anchor)).toBe('SEQ_MISMATCH')
    expect(refused(after, await alice.anchor({ ...after, head: net }, net))).toBe('PREV_MISMATCH')
    expect(refused(undefined, anchor)).toBe('UNKNOWN_DID')
  })
})

describe('rotate', () => {
  test('DKMS-11: only keys committed before can rotate, the current key alone cannot', async () => {
    const alice = owner()
    const state = run(undefined, await alice.genesis())
    const thief = await alice.rotate(state, { signers: await alice.make(1) })
    expect(refused(state, thief.submission)).toBe('PRE_ROTATION_VIOLATED')
    const current = await alice.rotate(state, { signers: alice.keys.now })
    expect(refused(state, current.submission)).toBe('PRE_ROTATION_VIOLATED')
    const rotation = await alice.rotate(state)
    const rotated = run(state, rotation.submission)
    const old = alice.keys.now
    rotation.adopt()
    expect(refused(rotated, await alice.update(rotated, undefined, old))).toBe('KEY_NOT_AUTHORIZED')
    expect(run(rotated, await alice.update(rotated)).seq).toBe(2)
  })

  test('DKMS-23: the first recovery set holds at once, a change is held and the old set can cancel it', async () => {
    const alice = owner()
    let state = run(undefined, await alice.genesis())
    alice.recoveryKeys = await alice.make(1)
    let rotation = await alice.rotate(state, { recovery: alice.recovery([60]) })
    state = run(state, rotation.submission)
    rotation.adopt()
    expect(state.recovery).toMatchObject({ epoch: 1, entries: [{ delay: 60 }] })
    const genuine = alice.recoveryKeys
    alice.recoveryKeys = await alice.make(1)
    rotation = await alice.rotate(state, { recovery: alice.recovery([120]) })
    const held = run(state, rotation.submission)
    expect(held.recovery).toMatchObject({ epoch: 1, entries: [{ delay: 60 }], held: { delay: 600 } })
    expect(settle(held, { time: T0 + 599, lost: 0 }, parameters).recovery.epoch).toBe(1)
    expect(settle(held, { time: T0 + 600, lost: 0 }, parameters).recovery).toMatchObject({
      epoch: 2,
      entries: [{ delay: 120 }],
    })
    alice.recoveryKeys = genuine
    const recover = await alice.recover(held, 0)
    expect(run(held, recover.submission, T0 + 300).recovery.held).toBeUndefined()
    const short = await alice.rotate(state, { recovery: alice.recovery([59]) })
    expect(refused(state, short.submission)).toBe('DELAY_TOO_SHORT')
  })
})

describe('recover and veto', () => {
  test('DKMS-22: takes effect when its delay is over, and replaces everything', async () => {
    const alice = owner()
    const before = run(undefined, await alice.genesis({ delays: [3600] }))
    const recover = await alice.recover(before, 0)
    const pending = run(before, recover.submission)
    expect(pending.auth).toEqual(before.auth)
    expect(refused(pending, await alice.update(pending), T0 + 10)).toBe('RECOVERY_PENDING')
    const old = alice.keys.now
    recover.adopt()
    expect(refused(pending, await alice.update(pending), T0 + 3599)).toBe('RECOVERY_PENDING')
    const after = settle(pending, { time: T0 + 3600, lost: 0 }, parameters)
    expect(after.recovery).toMatchObject({ epoch: 2, vetoesLeft: 2 })
    expect(refused(pending, await alice.update(pending, undefined, old), T0 + 3600)).toBe('KEY_NOT_AUTHORIZED')
    const next = run(pending, await alice.update(pending), T0 + 3600)
    expect(next.auth).not.toEqual(before.auth)
    expect(deriveDocument(settle(pending, { time: T0 + 3600, lost: 0 }, parameters), alice.body).id).toBe(before.did)
  })

  test('DKMS-25: time the chain lost does not count', async () => {
    const alice = owner()
    const before = run(undefined, await alice.genesis({ delays: [3600] }))
    const recover = await alice.recover(before, 0)
    const pending = run(before, recover.submission)
    expect(settle(pending, { time: T0 + 3700, lost: 101 }, parameters).recovery.pending).toBeDefined()
    expect(settle(pending, { time: T0 + 3701, lost: 101 }, parameters).recovery.pending).toBeUndefined()
  })

  test('DKMS-22: a veto by the next keys stops it, twice an epoch and no more', async () => {
    const alice = owner()
    let state = run(undefined, await alice.genesis({ delays: [3600] }))
    for (const left of [1, 0]) {
      state = run(state, (await alice.recover(state, 0)).submission)
      const veto = await alice.rotate(state, { type: 'veto' })
      state = run(state, veto.submission)
      veto.adopt()
      expect(state.recovery).toMatchObject({ vetoesLeft: left })
      expect(state.recovery.pending).toBeUndefined()
    }
    const third = await alice.recover(state, 0)
    state = run(state, third.submission)
    expect(refused(state, (await alice.rotate(state, { type: 'veto' })).submission)).toBe('VETOES_SPENT')
    expect(settle(state, { time: T0 + 3600, lost: 0 }, parameters).recovery.epoch).toBe(2)
  })

  test('DKMS-22: a key of no path recovers nothing, a current key vetoes nothing, nothing pending needs no veto', async () => {
    const alice = owner()
    const state = run(undefined, await alice.genesis({ delays: [3600] }))
    expect(refused(state, (await alice.rotate(state, { type: 'veto' })).submission)).toBe('NO_RECOVERY_PENDING')
    const genuine = alice.recoveryKeys
    alice.recoveryKeys = await alice.make(1)
    expect(refused(state, (await alice.recover(state, 0)).submission)).toBe('RECOVERY_KEY_UNKNOWN')
    alice.recoveryKeys = genuine
    const pending = run(state, (await alice.recover(state, 0)).submission)
    const veto = await alice.rotate(pending, { type: 'veto', signers: alice.keys.now })
    expect(refused(pending, veto.submission)).toBe('PRE_ROTATION_VIOLATED')
  })
})

describe('deactivate', () => {
  test('DKMS-26: at once without recovery, held and cancellable with it', async () => {
    const alice = owner()
    const state = run(undefined, await alice.genesis())
    const gone = run(state, await alice.deactivate(state))
    expect(gone.status).toBe('deactivated')
    expect(refused(gone, await alice.update(gone))).toBe('DEACTIVATED')
    expect(deriveDocument(gone, alice.body)).not.toHaveProperty('verificationMethod')

    const bob = owner()
    const other = run(undefined, await bob.genesis({ delays: [60] }))
    const held = run(other, await bob.deactivate(other))
    expect(held.status).toBe('active')
    expect(refused(held, await bob.update(held))).toBe('DEACTIVATION_HELD')
    expect(settle(held, { time: T0 + 600, lost: 0 }, parameters).status).toBe('deactivated')
    const saved = run(held, (await bob.recover(held, 0)).submission, T0 + 5)
    expect(settle(saved, { time: T0 + 600, lost: 0 }, parameters)).toMatchObject({
      status: 'active',
      recovery: { epoch: 2 },
    })
  })
})
