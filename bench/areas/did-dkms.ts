/** The method alone: a log verified from its bytes, the cost of an update on a long log, and how large operations are. */

import { canonicalText, multihash, parseJson, systemRandom, utf8 } from '@keystead/core'
import { encodeMultikey, type SigningKey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import {
  agentDigest,
  apply,
  capabilitySet,
  type DidState,
  encodeSubmission,
  genesisOperation,
  makeBody,
  openingOf,
  operationAfter,
  parseSubmission,
  parseSubmissionJson,
  productionParameters,
  replay,
  type Submission,
  signedOperationHash,
  signOperation,
  spareDigest,
} from '@keystead/did-dkms'
import { Owner, submission } from '../../packages/did-dkms/src/testing/owner.ts'
import { type Budget, compare, type Row } from '../measure.ts'
import { nodeVerify, rawVerify } from '../raw.ts'

const area = 'did-dkms'
const ENTRIES = 50
const T0 = 1_800_000_000
const net = multihash.encode(new Uint8Array(32).fill(7))
const parameters = { ...productionParameters, perHour: 1000, perDay: 1000, perWeek: 1000 }

interface Log {
  readonly owner: Owner
  readonly sent: Submission[]
  readonly states: DidState[]
}

export async function didDkms(budget: Budget): Promise<Row[]> {
  const log = await makeLog()
  const bytes = utf8(
    canonicalText(
      log.sent.map(({ operation, body }, i) => ({
        entry: { i, t: T0 + i, lost: 0, p: 1, s: signedOperationHash(operation) },
        submission: body ? { op: operation, body } : { op: operation },
      })) as never,
    ),
  )
  const verifyLog = (): unknown => {
    const entries = parseJson(bytes, 10_000_000) as { entry: never; submission: never }[]
    return replay(
      entries.map(({ entry, submission: json }) => ({ entry, submission: parseSubmissionJson(json) })),
      { net, parametersAt: () => parameters, protocol: 1 },
      { time: T0 + ENTRIES, lost: 0 },
    )
  }
  const update = (at: number): (() => unknown) => {
    const text = encodeSubmission(log.sent[at] as Submission)
    const context = { net, parameters, time: T0 + at, lost: 0, logIndex: at }
    return () => apply(log.states[at - 1], parseSubmission(text), context)
  }
  const perEntry = await compare(budget, {
    area,
    what: `a log of ${ENTRIES} entries verified from bytes, per entry`,
    ours: verifyLog,
    baseline: { name: 'raw Ed25519 verify (node:crypto)', work: times(nodeVerify) },
    target: 1,
  })
  const perEntryLib = await compare(budget, {
    area,
    what: 'the same beside libsodium’s own verify',
    ours: verifyLog,
    baseline: { name: 'raw Ed25519 verify (libsodium)', work: times(rawVerify) },
  })
  return [
    each(perEntry),
    each(perEntryLib),
    await compare(budget, {
      area,
      what: `an update after ${ENTRIES - 1} entries`,
      ours: update(ENTRIES - 1),
      baseline: { name: 'an update after 1 entry', work: update(1) },
      target: 1,
    }),
    ...(await sizes(log)),
  ]
}

/** As often as the log has entries: both take as long, so that a busy machine interrupts both alike. */
function times(work: () => unknown): () => void {
  return () => {
    for (let i = 0; i < ENTRIES; i++) work()
  }
}

/** A whole log took this long: a row for one entry of it. */
function each(row: Row): Row {
  return { ...row, value: row.value / ENTRIES }
}

/** Updates with a typical document: two keys and one service. */
async function makeLog(): Promise<Log> {
  const owner = new Owner(nodeKeyProvider(), net, T0 + 86_400)
  const [signing, agreement] = (await owner.make(2)) as [SigningKey, SigningKey]
  const document = () =>
    makeBody(
      [
        { k: encodeMultikey(signing.publicKey), purposes: ['authentication', 'assertionMethod'] },
        { k: encodeMultikey(agreement.publicKey), purposes: ['keyAgreement'] },
      ],
      [
        {
          id: 'didcomm',
          type: 'DIDCommMessaging',
          serviceEndpoint: { uri: 'https://agency.example', accept: ['didcomm/v2'], routingKeys: [] },
        },
      ],
      systemRandom,
    )
  owner.body = document()
  const sent: Submission[] = [await owner.genesis({ delays: [3600, 86_400, 259_200] })]
  const states: DidState[] = []
  for (let i = 0; ; i++) {
    const result = apply(states[i - 1], sent[i] as Submission, { net, parameters, time: T0 + i, lost: 0, logIndex: i })
    if (!result.ok) throw new Error(result.code)
    states.push(result.state)
    if (sent.length === ENTRIES) return { owner, sent, states }
    sent.push(await owner.update(result.state, document()))
  }
}

/** Canonical bytes of an operation with its proof, for one key; a genesis with its body, three recovery paths and a full registry. */
async function sizes({ owner, sent, states }: Log): Promise<Row[]> {
  const state = states.at(-1) as DidState
  const [phone] = (await owner.make(1)) as [SigningKey]
  const k = encodeMultikey(phone.publicKey)
  const salt = systemRandom(16)
  const caps = capabilitySet(['ADMIN', 'PROVE', 'SUSPEND', 'ASSERT'])
  const spare = () => ({ h: spareDigest(systemRandom(16)), caps, exp: T0 + 86_400 })
  const registry = [{ h: agentDigest(salt, k), caps, exp: T0 + 86_400 }, ...Array.from({ length: 7 }, spare)]
  const agents = operationAfter(state, net, T0 + 86_400, {
    type: 'agents',
    put: Array.from({ length: 8 }, spare),
    open: [openingOf(k, salt)],
  })
  const genesis = genesisOperation(net, {
    auth: owner.authority(owner.keys.now, owner.keys.next),
    recovery: state.recovery.entries,
    agents: registry,
    body: owner.body,
    notAfter: T0 + 86_400,
  })
  const bytes = (what: string, made: Omit<Submission, 'hash'>, target: number): Row => {
    const value = encodeSubmission(made).length
    return { area, what: `bytes: ${what}`, value, unit: 'B', baseline: null, ratio: null, target }
  }
  const { operation } = sent.at(-1) as Submission
  const rotation = await owner.rotate(state)
  return [
    bytes('update', { operation }, 950),
    bytes('rotate', { operation: rotation.submission.operation }, 900),
    bytes('agents, eight entries', { operation: (await signOperation(agents, [phone])) as never }, 2100),
    bytes(
      'genesis with body, three paths, eight entries',
      submission((await signOperation(genesis, owner.keys.now)) as never, owner.body),
      2800,
    ),
  ]
}
