/**
 * KEYVERIFY-12: what an event in the peer's log makes of the trust in a relationship. Trust falls only where continuity
 * breaks: whoever warns of every new phone teaches people to ignore warnings.
 */
import type { Effect, Standing } from '@keystead/microledger'

export type ContinuityEvent =
  | 'device-added'
  | 'device-revoked'
  | 'rotated'
  | 'recovered'
  | 'forked'
  | 'resolved'
  | 'rolled-back'
  | 'stale-rotation'

export interface Continuity {
  /** Whether a verification between people outlasts it. */
  readonly verified: 'stays' | 'ends'
  /** Whether the peer is written to: `block` until the log agrees with itself again. */
  readonly talk: 'go on' | 'block' | 'as before'
  /** Whether the new keys are challenged at once. */
  readonly challenge: boolean
  /** How loudly a person is told. */
  readonly notice: 'quiet' | 'plain' | 'alarm'
}

export const CONTINUITY: Readonly<Record<ContinuityEvent, Continuity>> = {
  'device-added': { verified: 'stays', talk: 'go on', challenge: true, notice: 'quiet' },
  'device-revoked': { verified: 'stays', talk: 'go on', challenge: false, notice: 'quiet' },
  rotated: { verified: 'stays', talk: 'go on', challenge: true, notice: 'plain' },
  // Who vouched are contacts and paper, not keys that people have compared.
  recovered: { verified: 'ends', talk: 'go on', challenge: false, notice: 'alarm' },
  forked: { verified: 'stays', talk: 'block', challenge: false, notice: 'alarm' },
  resolved: { verified: 'stays', talk: 'go on', challenge: true, notice: 'plain' },
  'rolled-back': { verified: 'stays', talk: 'block', challenge: false, notice: 'alarm' },
  // Refused: nothing changes.
  'stale-rotation': { verified: 'stays', talk: 'as before', challenge: false, notice: 'plain' },
}

/** The event that an accepted entry is. Undefined for one that changes no keys. */
export function continuityOf(effect: Effect, before: Standing, after: Standing): ContinuityEvent | undefined {
  if (effect === 'frozen') return 'forked'
  if (effect === 'resolved') return 'resolved'
  if (effect !== 'rotated' && effect !== 'vetoed') return undefined
  // The device that signs takes up its next key, so one key at least is another than before.
  if (after.keys.length > before.keys.length) return 'device-added'
  return after.keys.length < before.keys.length ? 'device-revoked' : 'rotated'
}
