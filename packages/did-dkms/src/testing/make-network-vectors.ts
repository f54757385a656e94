/** Makes `vectors/network` anew: `node scripts/node24.mjs packages/did-dkms/src/testing/make-network-vectors.ts`. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { multihash, utf8Decode } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { type NetworkGenesis, networkHash } from '../network/genesis.ts'
import { productionParameters } from '../network/parameters.ts'
import { initialNetwork, type NetworkState } from '../network/state.ts'
import { encodeSubmission } from '../parse/submission.ts'
import { Governor, type NetworkMembers } from './governor.ts'
import { type NetworkStep, type NetworkVector, playNetwork } from './network-vectors.ts'

const folder = fileURLToPath(new URL('../../../../vectors/network', import.meta.url))
const provider = nodeKeyProvider()
const T0 = 1_800_000_000
const DAY = 86_400
const rules = multihash.encode(new Uint8Array(32).fill(2))

class Log {
  readonly steps: NetworkStep[] = []
  readonly governor: Governor
  readonly genesis: NetworkGenesis
  state: NetworkState

  constructor(governor: Governor, genesis: NetworkGenesis) {
    this.governor = governor
    this.genesis = genesis
    this.state = initialNetwork(genesis)
  }

  static async begin(count = 4, governed = true): Promise<Log> {
    const governor = await Governor.make(provider, T0 + 20 * DAY)
    const keys = await governor.keys(count)
    return new Log(governor, {
      v: 1,
      chainId: 'keystead-vectors',
      time: T0,
      parameters: productionParameters,
      validators: keys.map((key) => ({ k: encodeMultikey(key.publicKey), power: 100 })),
      ...(governed ? { governance: governor.authority() } : {}),
    })
  }

  k(i: number): string {
    return this.genesis.validators[i]?.k as string
  }

  async fresh(): Promise<string> {
    const [key] = await this.governor.keys(1)
    if (!key) throw new Error('a key')
    return encodeMultikey(key.publicKey)
  }

  async order(members: NetworkMembers, time = T0, signers?: Governor['now']): Promise<this> {
    const operation = await this.governor.operation(this.state, networkHash(this.genesis), members, signers)
    return this.step({ time, lost: 0, text: utf8Decode(encodeSubmission(operation)) })
  }

  step(step: Omit<NetworkStep, 'expect'>): this {
    const { state, outcome } = playNetwork(this.genesis, this.state, step)
    this.state = state
    this.steps.push({ ...step, expect: outcome })
    return this
  }

  write(kind: 'valid' | 'invalid', rule: string, title: string): this {
    const last = this.steps.at(-1)?.expect ?? {}
    if ('code' in last !== (kind === 'invalid')) throw new Error(`${rule} ${title}: ${JSON.stringify(last)}`)
    const vector: NetworkVector = { rule, title, genesis: this.genesis, steps: this.steps }
    const name = title.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()
    const file = join(folder, kind, `${rule}-${name}.json`)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, `${JSON.stringify(vector, null, 1)}\n`)
    return this
  }
}

rmSync(folder, { recursive: true, force: true })

const vetoes = { type: 'parameters', set: { vetoes: 3 } } as const
{
  const log = await Log.begin()
  await log.order(vetoes)
  log.write('valid', 'NET-3', 'an operation is taken and waits')
  const text = log.steps[0]?.text as string
  const other = async (change: string): Promise<Log> =>
    (await sameNetwork(log)).step({ time: T0, lost: 0, text: change })
  ;(await other(text.replace('"vetoes":3', '"vetoes": 3'))).write(
    'invalid',
    'NET-3',
    'other bytes than the canonical are refused',
  )
  ;(await other(text.replace('"notAfter"', '"note":1,"notAfter"'))).write(
    'invalid',
    'NET-4',
    'an unknown member is refused',
  )
  ;(await other(text.replace('"vetoes":3', '"vetoes":17'))).write(
    'invalid',
    'NET-21',
    'a value beyond its bounds is refused',
  )
  ;(await other(text.replace('"vetoes":3', '"vetoes":4'))).write('invalid', 'NET-10', 'a changed operation is refused')
  log.step({ time: T0 + DAY - 1, lost: 0 }).write('valid', 'NET-9', 'a second before its delay nothing has changed')
  log.step({ time: T0 + DAY, lost: 1 }).write('valid', 'NET-9', 'a second that the chain lost does not count')
  log.step({ time: T0 + DAY, lost: 0 }).write('valid', 'NET-9', 'when the delay is over the change stands')
  ;(await log.order({ type: 'cancel', of: 1 }, T0 + DAY)).write('invalid', 'NET-9', 'what stands is not cancelled')
}
{
  const log = await Log.begin()
  await log.order(vetoes)
  await log.order(vetoes)
  log.write('invalid', 'NET-9', 'a second change of a kind waits for the first')
  await log.order({ type: 'cancel', of: 1 })
  log.write('valid', 'NET-9', 'what waits is cancelled')
}
{
  const log = await Log.begin()
  const { governor } = log
  await log.order(vetoes, T0, governor.now.slice(0, 1))
  log.write('invalid', 'NET-10', 'one of three keys does not reach two')
  ;(await Log.begin(4, false).then((free) => free.order(vetoes))).write(
    'invalid',
    'NET-10',
    'a network without governance is never changed',
  )
  const next = await governor.keys(3)
  const rotation = { type: 'governance', auth: governor.authority(governor.next, next) } as const
  const stolen = { type: 'governance', auth: governor.authority(governor.now, next) } as const
  ;(await (await sameNetwork(log)).order(stolen, T0, governor.now)).write(
    'invalid',
    'NET-11',
    'the keys in force do not rotate',
  )
  const rotated = await (await sameNetwork(log)).order(rotation, T0, governor.next)
  rotated.write('valid', 'NET-11', 'the keys committed to rotate')
  ;(await rotated.order(vetoes)).write('invalid', 'NET-11', 'afterwards the old keys order nothing')
}
{
  const log = await Log.begin()
  const none = [0, 1, 2, 3].map((i) => ({ k: log.k(i), power: 0 }))
  ;(await (await sameNetwork(log)).order({ type: 'validators', changes: none })).write(
    'invalid',
    'NET-12',
    'somebody must be left',
  )
  ;(await (await sameNetwork(log)).order({ type: 'validators', changes: none.slice(0, 2) })).write(
    'invalid',
    'NET-12',
    'half of the power does not move at once',
  )
  await log.order({ type: 'validators', changes: none.slice(0, 1) })
  log.step({ time: T0 + DAY, lost: 0 }).write('valid', 'NET-12', 'a quarter of the power moves after the delay')
  const more = { type: 'validators', changes: [{ k: await log.fresh(), power: 50 }] } as const
  await log.order(more, T0 + DAY)
  log.write('invalid', 'NET-12', 'nor a sixth more within the trusting period')
  await log.order(more, T0 + 16 * DAY)
  log.write('valid', 'NET-12', 'which is taken when the period is over')
}
{
  const log = await Log.begin()
  await log.order({ type: 'validators', changes: [{ k: log.k(0), power: 90 }] })
  log.step({ time: T0 + 5, lost: 0, misbehaved: [log.k(0)] })
  log.write('valid', 'NET-13', 'equivocation removes at once and what waits for it lapses')
  const last = await Log.begin(1)
  last.step({ time: T0 + 5, lost: 0, misbehaved: [last.k(0)] }).write('valid', 'NET-13', 'the last validator stays')
}
{
  const log = await Log.begin()
  const upgrade = { type: 'upgrade', version: 2, rules, time: T0 + 14 * DAY } as const
  ;(await (await sameNetwork(log)).order({ ...upgrade, version: 3 })).write(
    'invalid',
    'NET-14',
    'no version is skipped',
  )
  ;(await (await sameNetwork(log)).order({ ...upgrade, time: upgrade.time - 1 })).write(
    'invalid',
    'NET-14',
    'its notice is not shortened',
  )
  await log.order(upgrade)
  log.step({ time: upgrade.time, lost: 0 }).write('valid', 'NET-14', 'an upgrade is in force at its time')
}
{
  const log = await Log.begin(1)
  const heirs = await Promise.all([1, 2, 3, 4].map(async () => ({ k: await log.fresh(), power: 10 })))
  const join = { type: 'validators', changes: heirs } as const
  ;(await (await sameNetwork(log)).order(join)).write('invalid', 'NET-15', 'one validator does not grow into several')
  const kept = [...heirs, { k: log.k(0), power: 10 }]
  ;(await (await sameNetwork(log)).order({ ...join, changes: kept, handover: true })).write(
    'invalid',
    'NET-15',
    'the old key does not come along',
  )
  await log.order({ ...join, handover: true })
  log.step({ time: T0 + DAY, lost: 0 }).write('valid', 'NET-15', 'a handover replaces the whole set')
}

/** Another log of the same network, from its beginning. */
async function sameNetwork({ governor, genesis }: Log): Promise<Log> {
  return new Log(governor, genesis)
}
