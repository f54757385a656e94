/** Makes `vectors/did-dkms` anew, with fresh keys: `node scripts/node24.mjs packages/did-dkms/src/testing/make-vectors.ts`. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type JsonObject, multihash, systemRandom, utf8Decode } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { bodyHash } from '../body.ts'
import { makeBody } from '../build.ts'
import { encodeSubmission } from '../parse/submission.ts'
import type { DidState } from '../state.ts'
import type { Body, Submission } from '../types.ts'
import { Owner } from './owner.ts'
import { documentAfter, PARAMETERS, play, type Vector, type VectorStep } from './vectors.ts'

const folder = fileURLToPath(new URL('../../../../vectors/did-dkms', import.meta.url))
const net = multihash.encode(new Uint8Array(32).fill(7))
const T0 = 1_800_000_000
const provider = nodeKeyProvider()
const DAY = 86_400

/** A log that is written down as it is played. */
class Log {
  readonly steps: VectorStep[] = []
  state: DidState | undefined
  bodies: readonly Body[] = []

  send(sent: Submission | string, time = T0, lost = 0): this {
    const text = typeof sent === 'string' ? sent : textOf(sent)
    return this.#step({ time, lost, text })
  }

  wait(time: number, lost = 0): this {
    return this.#step({ time, lost })
  }

  get now(): DidState {
    if (!this.state) throw new Error('nothing was registered')
    return this.state
  }

  #step(step: Omit<VectorStep, 'expect'>): this {
    const { state, bodies, outcome } = play({ net, parameters: PARAMETERS }, this, step)
    this.state = state
    this.bodies = bodies
    this.steps.push({ ...step, expect: outcome })
    return this
  }
}

const textOf = (sent: Submission): string => utf8Decode(encodeSubmission(sent))
const owner = (of = net): Owner => new Owner(provider, of, T0 + DAY)

/** Changes a submission's JSON and writes it canonically again. */
function changed(sent: Submission, change: (json: { op: JsonObject; body?: JsonObject }) => object): string {
  const json = JSON.parse(textOf(sent)) as { op: JsonObject; body?: JsonObject }
  return utf8Decode(encodeSubmission(change(json) as never))
}

function write(kind: 'valid' | 'invalid', rule: string, title: string, log: Log, document = false): void {
  const vector: Vector = {
    rule,
    title,
    net,
    parameters: PARAMETERS,
    steps: log.steps,
    ...(document ? { document: documentAfter(log.now, log.bodies, bodyHash) } : {}),
  }
  const last = log.steps.at(-1)?.expect ?? {}
  if ('code' in last !== (kind === 'invalid'))
    throw new Error(`${rule} ${title}: ${JSON.stringify(last).slice(0, 200)}`)
  const name = title
    .replaceAll(/[^a-z0-9]+/gi, '-')
    .replaceAll(/^-|-$/g, '')
    .toLowerCase()
    .slice(0, 60)
  const file = join(folder, kind, `${rule}-${name}.json`)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(vector, null, 1)}\n`)
}

async function begun(options: Parameters<Owner['genesis']>[0] = {}): Promise<{ alice: Owner; log: Log }> {
  const alice = owner()
  return { alice, log: new Log().send(await alice.genesis(options)) }
}

rmSync(folder, { recursive: true, force: true })

{
  const genesis = await owner().genesis()
  write('valid', 'DKMS-1', 'canonical bytes are taken', new Log().send(genesis))
  write('invalid', 'DKMS-1', 'the same with a space is refused', new Log().send(textOf(genesis).replace('{', '{ ')))
  const unknown = textOf(genesis).replace('"notAfter"', '"note":"x","notAfter"')
  write('invalid', 'DKMS-1', 'an unknown member is refused', new Log().send(unknown))
  const { body: _, ...bare } = genesis
  write(
    'invalid',
    'DKMS-1',
    'without its body it is refused',
    new Log().send(utf8Decode(encodeSubmission(bare as never))),
  )
  const other = changed(genesis, ({ op, body }) => ({ operation: { ...op, notAfter: T0 + DAY - 1 }, body }))
  write('invalid', 'DKMS-2', 'a changed genesis gives another identifier', new Log().send(other))
  const elsewhere = await owner(multihash.encode(new Uint8Array(32).fill(8))).genesis()
  write('invalid', 'DKMS-3', 'an operation of another network is refused', new Log().send(elsewhere))
  write('invalid', 'DKMS-4', 'an operation after its time is refused', new Log().send(genesis, T0 + DAY + 1))
  write('invalid', 'DKMS-4', 'an operation too long before its end is refused', new Log().send(genesis, T0 - 60 * DAY))
  write('invalid', 'DKMS-4', 'a DID is registered once', new Log().send(genesis).send(genesis))
  const stranger = await owner().genesis()
  const forged = changed(genesis, ({ op, body }) => ({ operation: { ...op, proof: stranger.operation.proof }, body }))
  write('invalid', 'DKMS-8', 'a proof by a strange key is refused', new Log().send(forged))
}
{
  const { alice, log } = await begun()
  log.send(await alice.update(log.now), T0 + 10)
  write('valid', 'DKMS-10', 'a key in force updates', log)
  const again = await alice.update(log.now)
  const skipped = changed(again, ({ op, body }) => ({ operation: { ...op, seq: 5 }, body }))
  write('invalid', 'DKMS-4', 'a number is not skipped', cloned(log).send(skipped, T0 + 20))
  const early = changed(again, ({ op, body }) => ({ operation: { ...op, prev: bodyHash(alice.body) }, body }))
  write('invalid', 'DKMS-4', 'it follows the newest operation', cloned(log).send(early, T0 + 20))
  const mallory = await owner().make(1)
  write(
    'invalid',
    'DKMS-10',
    'a strange key does not update',
    cloned(log).send(await alice.update(log.now, undefined, mallory), T0 + 20),
  )
}
{
  const { alice, log } = await begun({ count: 3, threshold: 2 })
  const one = alice.keys.now.slice(0, 1)
  write(
    'invalid',
    'DKMS-10',
    'one key of three does not reach two',
    cloned(log).send(await alice.update(log.now, undefined, one)),
  )
  write(
    'valid',
    'DKMS-10',
    'two keys of three do',
    log.send(await alice.update(log.now, undefined, alice.keys.now.slice(0, 2))),
  )
}
{
  const { alice, log } = await begun()
  const stolen = await alice.rotate(log.now, { signers: alice.keys.now })
  write('invalid', 'DKMS-11', 'the keys in force do not rotate', cloned(log).send(stolen.submission))
  const rotation = await alice.rotate(log.now)
  log.send(rotation.submission, T0 + 10)
  write('valid', 'DKMS-11', 'the keys committed to do', log)
  const old = await alice.update(log.now)
  write('invalid', 'DKMS-11', 'afterwards the old keys sign nothing', cloned(log).send(old, T0 + 20))
}
{
  const alice = owner()
  await alice.genesis()
  const { now } = alice.keys
  alice.make = async (count) => now.slice(0, count)
  write('invalid', 'DKMS-11', 'a next key that was seen is refused', new Log().send(await alice.genesis()))
}
{
  const { alice, log } = await begun({ delays: [600] })
  const recovery = await alice.recover(log.now, 0)
  log.send(recovery.submission, T0 + 10)
  write('valid', 'DKMS-22', 'a recovery waits', cloned(log))
  write('invalid', 'DKMS-22', 'meanwhile nothing else is taken', cloned(log).send(await alice.update(log.now), T0 + 20))
  write('valid', 'DKMS-22', 'when its delay is over it stands', cloned(log).wait(T0 + 610), true)
  write('valid', 'DKMS-25', 'seconds that the chain lost do not count', cloned(log).wait(T0 + 610 + 3000, 3000 - 1))
  const veto = await alice.rotate(log.now, { type: 'veto' })
  write('valid', 'DKMS-22', 'the next keys veto it', cloned(log).send(veto.submission, T0 + 20))
  const current = await alice.rotate(log.now, { type: 'veto', signers: alice.keys.now })
  write('invalid', 'DKMS-22', 'the keys in force do not veto it', cloned(log).send(current.submission, T0 + 20))
}
{
  const { alice, log } = await begun({ delays: [600] })
  const veto = await alice.rotate(log.now, { type: 'veto' })
  write('invalid', 'DKMS-22', 'nothing pending needs no veto', cloned(log).send(veto.submission))
  const mallory = owner()
  mallory.recoveryKeys = await mallory.make(1)
  const strange = await mallory.recover(log.now, 0)
  write('invalid', 'DKMS-22', 'a key of no path recovers nothing', cloned(log).send(strange.submission))
  for (let i = 0; i < PARAMETERS.vetoes; i++) {
    log.send((await alice.recover(log.now, 0)).submission, T0 + 10)
    const stop = await alice.rotate(log.now, { type: 'veto' })
    log.send(stop.submission, T0 + 20)
    stop.adopt()
  }
  log.send((await alice.recover(log.now, 0)).submission, T0 + 30)
  const third = await alice.rotate(log.now, { type: 'veto' })
  write('invalid', 'DKMS-22', 'the vetoes of an epoch are two', log.send(third.submission, T0 + 40))
}
{
  const { alice, log } = await begun()
  alice.recoveryKeys = await alice.make(1)
  const first = await alice.rotate(log.now, { recovery: alice.recovery([60]) })
  log.send(first.submission, T0 + 10)
  first.adopt()
  write('valid', 'DKMS-23', 'the first recovery set stands at once', cloned(log))
  const fresh = await alice.make(1)
  const [standing] = [alice.recoveryKeys]
  alice.recoveryKeys = fresh
  const second = await alice.rotate(log.now, { recovery: alice.recovery([60]) })
  log.send(second.submission, T0 + 20)
  second.adopt()
  write('valid', 'DKMS-23', 'a later one is held', cloned(log))
  write('valid', 'DKMS-23', 'and stands when the hold is over', cloned(log).wait(T0 + 20 + 600))
  alice.recoveryKeys = standing
  write(
    'valid',
    'DKMS-23',
    'a recovery by the standing set cancels it',
    log.send((await alice.recover(log.now, 0)).submission, T0 + 30),
  )
}
{
  const quick = owner()
  write(
    'invalid',
    'DKMS-23',
    'a delay below the floor is refused',
    new Log().send(await quick.genesis({ delays: [59] })),
  )
}
{
  const { alice, log } = await begun()
  log.send(await alice.deactivate(log.now), T0 + 10)
  write('valid', 'DKMS-26', 'without a recovery set a DID ends at once', log, true)
  const after = await alice.update(log.now)
  write('invalid', 'DKMS-26', 'afterwards nothing is taken', log.send(after, T0 + 20))
}
{
  const { alice, log } = await begun({ delays: [60] })
  log.send(await alice.deactivate(log.now), T0 + 10)
  write('valid', 'DKMS-26', 'with one it is held', cloned(log))
  write(
    'invalid',
    'DKMS-26',
    'and meanwhile only a recovery is taken',
    cloned(log).send(await alice.update(log.now), T0 + 20),
  )
  write('valid', 'DKMS-26', 'which cancels it', cloned(log).send((await alice.recover(log.now, 0)).submission, T0 + 20))
  write('valid', 'DKMS-26', 'or it ends', log.wait(T0 + 10 + 600), true)
}
{
  const { alice, log } = await begun()
  log.send(await alice.anchor(log.now, bodyHash(alice.body)), T0 + 10)
  write('valid', 'DKMS-27', 'a root is anchored', log)
}
{
  const { alice, log } = await begun()
  const [signing, agreement] = await alice.make(2)
  if (!signing || !agreement) throw new Error('two keys')
  const body = makeBody(
    [{ k: encodeMultikey(signing.publicKey), purposes: ['authentication', 'assertionMethod'] }],
    [{ id: 'agent', type: 'DIDCommMessaging', serviceEndpoint: { uri: 'https://agency.example' } }],
    systemRandom,
  )
  write(
    'valid',
    'DKMS-30',
    'the document follows from state and body',
    log.send(await alice.update(log.now, body), T0 + 10),
    true,
  )
}

function cloned(log: Log): Log {
  const copy = new Log()
  copy.steps.push(...log.steps)
  copy.state = log.state
  copy.bodies = log.bodies
  return copy
}
