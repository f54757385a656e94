/**
 * The verifier's judgement of an answer, as a pure function of what was asked, what came and what the logs say.
 * Each way to fail has its own reason; the order of the checks is the order in which a person would want to be told.
 */
import { base64url, equalBytes } from '@keystead/core'
import { hmacSha256, type PublicKey, type VerificationSuite, verifySignature } from '@keystead/crypto'
import { type Challenge, type ChallengeResponse, transcript } from './messages.ts'

export type VerdictReason =
  | 'unknown-challenge'
  | 'replayed'
  | 'late'
  | 'wrong-audience'
  | 'rolled-back'
  | 'stale-state'
  | 'revoked'
  | 'no-proof'
  | 'wrong-key'

/** KEYVERIFY-5: what became of one key that was asked for, or that answered without being asked. */
export interface KeyResult {
  readonly kid: string
  readonly result: 'proven' | 'no-answer' | 'revoked' | 'stale-state' | 'wrong-key'
}

/** `kids`: the signing keys that are proven. */
export type Verdict = { readonly keys: readonly KeyResult[] } & (
  | { readonly result: 'proven'; readonly kids: readonly string[] }
  | { readonly result: 'failed'; readonly reason: VerdictReason; readonly kid?: string }
)

/** A key that is to answer, under the DID it speaks for: by a signature, or by its token. */
export type AskedKey = { readonly did: string; readonly kid: string } & (
  | { readonly publicKey: PublicKey<VerificationSuite> }
  | { readonly token: Uint8Array }
)

export interface VerdictFacts {
  /** The challenge with this nonce, or undefined when the verifier never asked it. */
  readonly challenge: Challenge | undefined
  /** The judgement of an earlier answer to it: of several devices each answers for its own keys. */
  readonly before?: Verdict | undefined
  /** Head of the subject's log after everything the verifier has seen, and the heads it had before. */
  readonly head: string
  readonly formerHeads: readonly string[]
  /** Number of the newest operation of the public DID in the state that the ledger proves today. */
  readonly seq?: number | undefined
  /** From the relationship log and the proven ledger read, never from the answer. */
  readonly keys: readonly AskedKey[]
  /** Keys of today that were not asked, because they are newer than the challenge: what they answer says nothing. */
  readonly notAsked?: ReadonlySet<string>
  /** Of those that answered: keys that were the subject's once. */
  readonly formerKids: ReadonlySet<string>
  /** The key that sent the answer, where it came by message. */
  readonly sender?: string | undefined
  /** Seconds since 1970 by the verifier's own clock, which also set the expiry. */
  readonly now: number
}

export function judgeResponse(response: ChallengeResponse, facts: VerdictFacts): Verdict {
  const { challenge, before, keys } = facts
  const all = (result: KeyResult['result']): KeyResult[] => keys.map(({ kid }) => ({ kid, result }))
  const failed = (reason: VerdictReason, kid?: string, results = all('no-answer')): Verdict => ({
    result: 'failed',
    reason,
    ...(kid === undefined ? {} : { kid }),
    keys: results,
  })
  if (!challenge) return failed('unknown-challenge')
  if (before && answeredBefore(response, before)) return failed('replayed')
  if (facts.now > challenge.expires) return failed('late')
  if (response.audience !== challenge.audience) return failed('wrong-audience')
  const { notAsked = new Set() } = facts
  const answered = [...response.proofs, ...response.tokens].map(({ kid }) => kid).filter((kid) => !notAsked.has(kid))
  const proves = (key: AskedKey): boolean => answers(response, challenge, key)
  if (response.head !== facts.head) {
    const turnedBack = facts.formerHeads.includes(response.head) && keys.some(proves)
    return failed(turnedBack ? 'rolled-back' : 'stale-state', undefined, all('stale-state'))
  }
  if ((response.seq ?? 0) > (facts.seq ?? Number.MAX_SAFE_INTEGER))
    return failed('stale-state', undefined, all('stale-state'))
  const known = new Set(keys.map(({ kid }) => kid))
  const stranger = answered.find((kid) => !known.has(kid) && !facts.formerKids.has(kid))
  const former = answered.find((kid) => !known.has(kid))
  if (stranger !== undefined)
    return failed('wrong-key', stranger, [...all('no-answer'), { kid: stranger, result: 'wrong-key' }])
  if (former !== undefined) return failed('revoked', former, [...all('no-answer'), { kid: former, result: 'revoked' }])
  const earlier = new Set(before?.keys.flatMap(({ kid, result }) => (result === 'proven' ? [kid] : [])))
  const results = keys.map((key): KeyResult => {
    if (!answered.includes(key.kid)) return { kid: key.kid, result: earlier.has(key.kid) ? 'proven' : 'no-answer' }
    return { kid: key.kid, result: proves(key) ? 'proven' : 'wrong-key' }
  })
  const proven = new Set(results.flatMap(({ kid, result }) => (result === 'proven' ? [kid] : [])))
  const wrong = results.find(({ result }) => result === 'wrong-key')
  if (wrong) return failed('wrong-key', wrong.kid, results)
  const { sender } = facts
  if (sender !== undefined && known.has(sender) && !proven.has(sender)) return failed('no-proof', sender, results)
  const silent = silentDid(keys, proven)
  if (keys.length === 0 || silent) return failed('no-proof', silent?.kid, results)
  return {
    result: 'proven',
    kids: keys.flatMap((key) => ('publicKey' in key && proven.has(key.kid) ? [key.kid] : [])),
    keys: results,
  }
}

/** An answer counts once: none of its keys has answered before, and nothing was wrong with what others answered. */
function answeredBefore(response: ChallengeResponse, before: Verdict): boolean {
  if (before.result === 'failed' && before.reason !== 'no-proof') return true
  const proven = new Set(before.keys.flatMap(({ kid, result }) => (result === 'proven' ? [kid] : [])))
  const answered = [...response.proofs, ...response.tokens]
  return answered.length === 0 || answered.some(({ kid }) => proven.has(kid))
}

/** Every answer of this key there is, and at least one, is right. */
function answers(response: ChallengeResponse, challenge: Challenge, key: AskedKey): boolean {
  const signed = transcript(challenge, { did: key.did, head: response.head, kid: key.kid })
  if ('publicKey' in key) {
    const own = response.proofs.filter(({ kid }) => kid === key.kid)
    return own.length === 1 && own.every((p) => verifySignature(key.publicKey, signed, base64url.decode(p.signature)))
  }
  const own = response.tokens.filter(({ kid }) => kid === key.kid)
  const expected = hmacSha256(key.token, signed)
  return own.length === 1 && own.every(({ mac }) => equalBytes(base64url.decode(mac), expected))
}

/** A DID of which no device has proven itself, by the kind of key that is missing. */
function silentDid(keys: readonly AskedKey[], proven: ReadonlySet<string>): AskedKey | undefined {
  return keys.find(
    (key) =>
      !keys.some((other) => other.did === key.did && 'token' in other === 'token' in key && proven.has(other.kid)),
  )
}
