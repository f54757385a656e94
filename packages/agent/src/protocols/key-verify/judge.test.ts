/** KEYVERIFY-4 and 5: every way in which an answer may be wrong, and what becomes of each key. */
import { base64url } from '@keystead/core'
import { hmacSha256, type SigningKey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { beforeAll, describe, expect, it } from 'vitest'
import { type AskedKey, judgeResponse, type Verdict, type VerdictFacts } from './judge.ts'
import { agreementToken, type Challenge, type ChallengeResponse, transcript } from './messages.ts'

const ED25519 = { kind: 'signing', suite: 'ed25519' } as const
const X25519 = { kind: 'agreement', suite: 'x25519' } as const
const keys = nodeKeyProvider()
const DID = 'did:peer:4zQmSubject'

interface Device {
  readonly name: string
  readonly signing: SigningKey
  readonly asked: readonly [AskedKey, AskedKey]
}

let challenge: Challenge
let phone: Device
let laptop: Device
let tablet: Device

beforeAll(async () => {
  const ephemeral = await keys.ephemeral(X25519)
  challenge = {
    nonce: 'N'.repeat(43),
    audience: 'did:peer:4zQmVerifier',
    purpose: 'key-verification',
    expires: 1060,
    head: 'QmOld',
    epk: base64url.encode(ephemeral.publicKey.bytes),
  }
  const device = async (name: string): Promise<Device> => {
    const [signing, agreement] = [await keys.ephemeral(ED25519), await keys.ephemeral(X25519)]
    const kid = `${DID}#${name}-agree`
    const token = agreementToken(await ephemeral.agree(agreement.publicKey), challenge, kid)
    // The device makes the same token from the public half.
    expect(agreementToken(await agreement.agree(ephemeral.publicKey), challenge, kid)).toEqual(token)
    return {
      name,
      signing,
      asked: [
        { did: DID, kid: `${DID}#${name}`, publicKey: signing.publicKey },
        { did: DID, kid, token },
      ],
    }
  }
  ;[phone, laptop, tablet] = [await device('phone'), await device('laptop'), await device('tablet')]
})

async function answer(devices: readonly Device[], head = 'QmHead'): Promise<ChallengeResponse> {
  const { nonce, audience } = challenge
  const proofs = devices.map(async ({ signing, asked: [{ kid }] }) => ({
    kid,
    signature: base64url.encode(await signing.sign(transcript(challenge, { did: DID, head, kid }))),
  }))
  const tokens = devices.map(({ asked: [, key] }) => {
    const token = 'token' in key ? key.token : new Uint8Array()
    const mac = hmacSha256(token, transcript(challenge, { did: DID, head, kid: key.kid }))
    return { kid: key.kid, mac: base64url.encode(mac) }
  })
  return { nonce, audience, head, proofs: await Promise.all(proofs), tokens }
}

function judged(response: ChallengeResponse, facts: Partial<VerdictFacts> = {}): Verdict {
  return judgeResponse(response, {
    challenge,
    head: 'QmHead',
    formerHeads: ['QmOld'],
    keys: [phone, laptop, tablet].flatMap(({ asked }) => asked),
    formerKids: new Set(),
    now: 1000,
    ...facts,
  })
}

const reason = (verdict: Verdict): string => (verdict.result === 'proven' ? 'proven' : verdict.reason)
const of = (verdict: Verdict, name: string) =>
  verdict.keys.flatMap(({ kid, result }) => (kid.startsWith(`${DID}#${name}`) ? [result] : []))

describe('an answer', () => {
  it('by every device proves every key', async () => {
    const verdict = judged(await answer([phone, laptop, tablet]))
    expect(reason(verdict)).toBe('proven')
    expect(verdict.keys.map(({ result }) => result)).toEqual(Array(6).fill('proven'))
  })

  it('KEYVERIFY-5: one device of three silent: the DID is proven, and it is said whose answer is missing', async () => {
    const verdict = judged(await answer([phone, laptop]))
    expect(reason(verdict)).toBe('proven')
    expect(of(verdict, 'phone')).toEqual(['proven', 'proven'])
    expect(of(verdict, 'tablet')).toEqual(['no-answer', 'no-answer'])
  })

  it('KEYVERIFY-5: devices answer one by one; none of them twice', async () => {
    const first = judged(await answer([phone]))
    const both = judged(await answer([tablet]), { before: first })
    expect(of(both, 'phone')).toEqual(['proven', 'proven'])
    expect(of(both, 'tablet')).toEqual(['proven', 'proven'])
    expect(reason(judged(await answer([phone]), { before: both }))).toBe('replayed')
  })

  it('MUST NOT be judged again after something was wrong with it', async () => {
    const good = await answer([phone])
    const wrong = judged({ ...good, proofs: good.proofs.map((p) => ({ ...p, signature: 'A'.repeat(86) })) })
    expect(reason(wrong)).toBe('wrong-key')
    expect(reason(judged(good, { before: wrong }))).toBe('replayed')
  })

  it('of nobody we asked, too late, or for another audience is refused', async () => {
    const good = await answer([phone])
    expect(reason(judged(good, { challenge: undefined }))).toBe('unknown-challenge')
    expect(reason(judged(good, { now: 1061 }))).toBe('late')
    expect(reason(judged({ ...good, audience: 'did:peer:4zQmMallory' }))).toBe('wrong-audience')
  })

  it('made for another audience MUST NOT pass with the name of ours on it', async () => {
    const theirs = { ...challenge, audience: 'did:peer:4zQmMallory' }
    const [{ kid }] = phone.asked
    const signature = await phone.signing.sign(transcript(theirs, { did: DID, head: 'QmHead', kid }))
    const good = await answer([phone])
    expect(reason(judged({ ...good, proofs: [{ kid, signature: base64url.encode(signature) }] }))).toBe('wrong-key')
  })

  it('KEYVERIFY-2: a signature made in another protocol proves nothing', async () => {
    const [{ kid }] = phone.asked
    const signature = base64url.encode(await phone.signing.sign(new TextEncoder().encode(challenge.nonce)))
    expect(reason(judged({ ...(await answer([phone])), proofs: [{ kid, signature }] }))).toBe('wrong-key')
  })

  it('under another head than the newest is stale; by today’s keys under an old one, somebody was turned back', async () => {
    expect(reason(judged(await answer([phone], 'QmFuture')))).toBe('stale-state')
    expect(reason(judged(await answer([phone], 'QmOld')))).toBe('rolled-back')
    const forged = await answer([phone], 'QmHead')
    expect(reason(judged({ ...forged, head: 'QmOld' }))).toBe('stale-state')
  })

  it('MUST NOT be judged by a ledger older than the subject’s', async () => {
    expect(reason(judged({ ...(await answer([phone])), seq: 5 }, { seq: 4 }))).toBe('stale-state')
    expect(reason(judged({ ...(await answer([phone])), seq: 4 }, { seq: 5 }))).toBe('proven')
  })

  it('by a key that was theirs once is revoked; by a strange one, wrong', async () => {
    const facts = { keys: [...phone.asked, ...laptop.asked] }
    const both = await answer([phone, tablet])
    const former = new Set(tablet.asked.map(({ kid }) => kid))
    const revoked = judged(both, { ...facts, formerKids: former })
    expect(reason(revoked)).toBe('revoked')
    expect(of(revoked, 'tablet')).toContain('revoked')
    expect(reason(judged(both, facts))).toBe('wrong-key')
  })

  it('without the key that sent it, or without any token, proves nothing', async () => {
    const good = await answer([phone])
    expect(reason(judged(good, { sender: laptop.asked[1].kid }))).toBe('no-proof')
    expect(reason(judged(good, { sender: phone.asked[1].kid }))).toBe('proven')
    expect(reason(judged({ ...good, tokens: [] }))).toBe('no-proof')
    expect(reason(judged({ ...good, proofs: [] }))).toBe('no-proof')
    expect(reason(judged(good, { keys: [] }))).toBe('wrong-key')
  })

  it('with another’s token, or the same key twice, is wrong', async () => {
    const good = await answer([phone, laptop])
    const [one, other] = good.tokens
    const swapped = [
      { kid: one?.kid ?? '', mac: other?.mac ?? '' },
      { kid: other?.kid ?? '', mac: one?.mac ?? '' },
    ]
    expect(reason(judged({ ...good, tokens: swapped }))).toBe('wrong-key')
    expect(reason(judged({ ...good, proofs: [...good.proofs, ...good.proofs] }))).toBe('wrong-key')
  })
})
