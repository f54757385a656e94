/** The escrow's formats against changed bytes, other agents and noise. */
import { seededRandom } from '@keystead/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Deal, deal } from '../testing/escrow.ts'
import { kemKey, signingKey } from '../testing/keys.ts'
import { codeOf, mutated, noise } from '../testing/mutate.ts'
import { cardText, checkMembers, openCard, sealCard } from './card.ts'
import { type AgentDescriptor, checkIndependence, readDescriptor, signDescriptor } from './descriptor.ts'
import { openRelease, openSlot, sealRelease, sealSlot, stretchPin, unlockOf } from './keys.ts'
import { openRegistration, sealRegistration } from './registration.ts'
import { type EscrowRequest, requestIsOwners, requestTranscript } from './request.ts'

const random = seededRandom(3)
let made: Deal
beforeAll(async () => {
  made = await deal('739164', 4)
})

describe('a card', () => {
  const card = () => openCard(made.locator, made.ids[0] as string, made.records[0]?.card ?? new Uint8Array())

  it('is the same from every agent, and opens at no other agent and under no other locator', async () => {
    const texts = made.records.map((record, i) => cardText(openCard(made.locator, made.ids[i] as string, record.card)))
    expect(new Set(texts).size).toBe(1)
    const bytes = made.records[0]?.card ?? new Uint8Array()
    expect(await codeOf(() => openCard(made.locator, made.ids[1] as string, bytes))).toBe('BAD_ESCROW')
    expect(await codeOf(() => openCard(random(16), made.ids[0] as string, bytes))).toBe('BAD_ESCROW')
  })

  it('with any byte changed, or made of noise, is BAD_ESCROW', () =>
    fc.assert(
      fc.asyncProperty(fc.oneof(mutated(made.records[0]?.card ?? new Uint8Array(1)), noise), async (bytes) => {
        expect(await codeOf(() => openCard(made.locator, made.ids[0] as string, bytes))).toBe('BAD_ESCROW')
      }),
      { numRuns: 60 },
    ))

  it('that asks for half of its agents or fewer, names one twice or has no key of the group is not made', async () => {
    const { agents } = card()
    const seal = (changes: object) =>
      codeOf(() => sealCard(made.locator, made.ids[0] as string, { ...card(), ...changes }, random))
    expect(await seal({ threshold: 2 })).toBe('BAD_PARAMETERS')
    expect(await seal({ agents: [agents[0], ...agents.slice(0, 4)] })).toBe('BAD_PARAMETERS')
    expect(await seal({ agents: agents.map((agent) => ({ ...agent, key: new Uint8Array(32) })) })).toBe(
      'BAD_PARAMETERS',
    )
    expect(await seal({ agents: agents.slice(0, 2), threshold: 2 })).toBe('BAD_PARAMETERS')
    expect(await seal({ guesses: 11 })).toBe('BAD_PARAMETERS')
    expect(checkMembers({ threshold: 2, count: 4 })).toBe(false)
    expect(checkMembers({ threshold: 4, count: 7 })).toBe(true)
    expect(checkMembers({ threshold: 5, count: 8 })).toBe(false)
  })
})

describe('a registration', () => {
  it('opens at its own agent alone, unchanged', async () => {
    const [mine, other] = [await kemKey(1), await kemKey(2)]
    const record = made.records[0] as (typeof made.records)[number]
    const sealed = sealRegistration(record, 'did:example:a', mine.publicKey)
    expect(await openRegistration(mine.key, sealed, 'did:example:a')).toEqual(record)
    expect(await codeOf(() => openRegistration(mine.key, sealed, 'did:example:b'))).toBe('BAD_ESCROW')
    expect(await codeOf(() => openRegistration(other.key, sealed, 'did:example:a'))).toBe('BAD_ESCROW')
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated(sealed), noise), async (bytes) => {
        expect(await codeOf(() => openRegistration(mine.key, bytes, 'did:example:a'))).toBe('BAD_ESCROW')
      }),
      { numRuns: 40 },
    )
  })

  it('of a share that is no scalar, or of too many guesses, is not made', async () => {
    const { publicKey } = await kemKey(1)
    const record = made.records[0] as (typeof made.records)[number]
    for (const changes of [{ share: new Uint8Array(32) }, { share: new Uint8Array(32).fill(255) }, { guesses: 11 }])
      expect(await codeOf(() => sealRegistration({ ...record, ...changes }, 'did:example:a', publicKey))).toBe(
        'BAD_PARAMETERS',
      )
  })
})

describe('slot and release', () => {
  it('open with their own keys alone: the slot commits to its key (rule 28)', async () => {
    const [secret, z, seed, version] = [random(32), random(32), random(32), random(16)]
    const slot = sealSlot(secret, z, seed, version, random)
    expect(openSlot(slot, z, seed, version)).toEqual(secret)
    for (const [otherZ, otherSeed, otherVersion] of [
      [random(32), seed, version],
      [z, random(32), version],
      [z, seed, random(16)],
    ] as const)
      expect(await codeOf(() => openSlot(slot, otherZ, otherSeed, otherVersion))).toBe('BAD_ESCROW')
    await fc.assert(
      fc.asyncProperty(mutated(slot), async (bytes) => {
        expect(await codeOf(() => openSlot(bytes, z, seed, version))).toBe('BAD_ESCROW')
      }),
    )
    const { key } = unlockOf(random(64), version)
    const release = sealRelease(key, z, 'did:example:a', random)
    expect(openRelease(key, release, 'did:example:a')).toEqual(z)
    expect(await codeOf(() => openRelease(key, release, 'did:example:b'))).toBe('BAD_ESCROW')
  })

  it('the PIN is stretched under version and locator, in one form of Unicode', async () => {
    const [version, locator] = [random(16), random(16)]
    const one = await stretchPin('①23456', version, locator)
    expect(await stretchPin('123456', version, locator)).toEqual(one)
    expect((await stretchPin('123456', random(16), locator)).access).not.toEqual(one.access)
    expect((await stretchPin('123456', version, random(16))).access).not.toEqual(one.access)
    expect(one.access).not.toEqual(one.seed)
  })
})

describe('a signed request', () => {
  it('is taken only as it was signed, by the key of the account', async () => {
    const { key, publicKey } = await signingKey(5)
    const request: EscrowRequest = {
      step: 'evaluate',
      agent: 'did:example:a',
      sender: 'did:example:s',
      account: 'a',
      nonce: 'n',
      content: random(32),
    }
    const signature = await key.sign(requestTranscript(request))
    expect(requestIsOwners(publicKey.bytes, request, signature)).toBe(true)
    expect(requestIsOwners((await signingKey(6)).publicKey.bytes, request, signature)).toBe(false)
    expect(requestIsOwners(undefined, request, signature)).toBe(false)
    const changes: Partial<EscrowRequest>[] = [
      { step: 'release' },
      { agent: 'x' },
      { sender: 'x' },
      { account: 'x' },
      { nonce: 'x' },
      { content: random(32) },
    ]
    for (const change of changes)
      expect(requestIsOwners(publicKey.bytes, { ...request, ...change }, signature)).toBe(false)
  })
})

describe('an agent’s descriptor', () => {
  const descriptor = async (): Promise<AgentDescriptor> => ({
    id: 'did:example:a',
    operator: 'Ada’s agency',
    endpoint: 'https://agency.example',
    demonstration: false,
    kem: (await kemKey(1)).publicKey,
  })

  it('is believed only as its DID signed it', async () => {
    const { key, publicKey } = await signingKey(7)
    const signed = await signDescriptor(await descriptor(), key)
    const keysOf = async () => [publicKey]
    expect(await readDescriptor(signed, keysOf)).toEqual(await descriptor())
    expect(await codeOf(() => readDescriptor(signed, async () => []))).toBe('BAD_ESCROW')
    for (const [name, value] of Object.entries({
      operator: 'Another',
      endpoint: 'https://other.example',
      demonstration: true,
      id: 'did:example:b',
      more: 1,
      v: 2,
    }))
      expect(await codeOf(() => readDescriptor({ ...signed, [name]: value }, keysOf))).toBe('BAD_ESCROW')
    await fc.assert(
      fc.asyncProperty(fc.anything(), async (value) => {
        expect(await codeOf(() => readDescriptor(value, keysOf))).toBe('BAD_ESCROW')
      }),
    )
  })

  it('agents of one operator, or at one address, are one (rule 25)', async () => {
    const agents = ['a', 'b', 'c'].map((name) => ({
      id: `did:example:${name}`,
      operator: `Operator ${name}`,
      endpoint: `https://${name}.example`,
    }))
    const check = (changes: object, threshold = 2) =>
      codeOf(() =>
        checkIndependence([{ ...agents[0], ...changes } as (typeof agents)[0], ...agents.slice(1)], threshold),
      )
    expect(await check({})).toBeUndefined()
    expect(await check({ operator: ' operator B ' })).toBe('NOT_INDEPENDENT')
    expect(await check({ endpoint: 'https://b.example/other' })).toBe('NOT_INDEPENDENT')
    expect(await check({ id: 'did:example:b' })).toBe('NOT_INDEPENDENT')
    expect(await check({}, 1)).toBe('NOT_INDEPENDENT')
    expect(await codeOf(() => checkIndependence(agents.slice(1), 2))).toBe('NOT_INDEPENDENT')
  })
})
