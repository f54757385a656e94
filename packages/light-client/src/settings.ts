/**
 * Whom a reader asks beside its own node (PROOF-13), which block it was told by somebody else (PROOF-12), and whose cosignatures it wants
 * (WITNESS-4), as configurations write it:
 *
 *   { "otherNodes": ["https://..."], "checkpoint": { "height": 7, "hash": "..." }, "witnesses": { "keys": ["<verifier key>"], "threshold": 2, "maxAge": 600 } }
 */
import { base64url, Fields, fail, hexadecimal, type Json, type JsonObject } from '@keystead/core'
import { MAX_AGE_SECONDS, MAX_OTHER_NODES, MAX_POLICY_WITNESSES, MAX_WITNESS_AGE_SECONDS } from './limits.ts'
import type { TrustPoint } from './trust-root.ts'
import { formatNoteKey, NOTE_COSIGNATURE, type NoteKey, parseNoteKey } from './witness/note.ts'
import type { WitnessPolicy } from './witness/policy.ts'

export interface ReaderSettings {
  readonly otherNodes?: readonly string[]
  readonly checkpoint?: TrustPoint
  readonly witnessPolicy?: WitnessPolicy
}

/** Closed members. Throws errors of `Fields`, and `BAD_CHECKPOINT` for what is no verifier key. */
export function parseReaderSettings(value: Json): ReaderSettings {
  const f = new Fields(value, 'trust')
  const otherNodes = f.optional('otherNodes', () =>
    f.array('otherNodes', { max: MAX_OTHER_NODES }, (item, path) => nodeUrl(item, path)),
  )
  const checkpoint = f.optional('checkpoint', () => parseTrustPoint(f.any('checkpoint'), 'trust.checkpoint'))
  const witnessPolicy = f.optional('witnesses', () => policyOf(f.object('witnesses')))
  f.end()
  if (otherNodes && new Set(otherNodes).size < otherNodes.length) fail('trust.otherNodes', 'names a node twice')
  return {
    ...(otherNodes?.length ? { otherNodes } : {}),
    ...(checkpoint ? { checkpoint } : {}),
    ...(witnessPolicy ? { witnessPolicy } : {}),
  }
}

/** Throws errors of `Fields`. */
export function parseTrustPoint(value: Json, path: string): TrustPoint {
  const f = new Fields(value, path)
  const point = {
    height: f.integer('height', { min: 1, max: Number.MAX_SAFE_INTEGER }),
    hash: f.decoded('hash', 43, (text) =>
      base64url.decode(text).length === 32 ? text : fail(`${path}.hash`, 'must be 32 bytes in base64url'),
    ),
  }
  f.end()
  return point
}

export function readerSettingsToJson({ otherNodes, checkpoint, witnessPolicy }: ReaderSettings): JsonObject {
  return {
    ...(otherNodes?.length ? { otherNodes: [...otherNodes] } : {}),
    ...(checkpoint ? { checkpoint: { ...checkpoint } } : {}),
    ...(witnessPolicy
      ? {
          witnesses: {
            keys: witnessPolicy.witnesses.map(formatNoteKey),
            threshold: witnessPolicy.threshold,
            maxAge: witnessPolicy.maxAge,
          },
        }
      : {}),
  }
}

function policyOf(f: Fields): WitnessPolicy {
  const witnesses = f.array('keys', { min: 1, max: MAX_POLICY_WITNESSES }, witnessKey)
  // WITNESS-3: a public key counts once, whatever names it goes by.
  if (new Set(witnesses.map(({ publicKey }) => hexadecimal.encode(publicKey))).size < witnesses.length)
    fail('trust.witnesses.keys', 'names one key twice')
  const policy = {
    witnesses,
    threshold: f.integer('threshold', { min: 1, max: witnesses.length }),
    maxAge:
      f.optional('maxAge', () => f.integer('maxAge', { min: 1, max: MAX_WITNESS_AGE_SECONDS })) ?? MAX_AGE_SECONDS,
  }
  f.end()
  return policy
}

function nodeUrl(item: Json, path: string): string {
  const url = typeof item === 'string' && item.length <= 300 ? URL.parse(item) : null
  if (!url || !/^https?:$/.test(url.protocol)) return fail(path, 'must be the http or https URL of a ledger node')
  return (item as string).replace(/\/+$/, '')
}

function witnessKey(item: Json, path: string): NoteKey {
  const key = typeof item === 'string' ? parseNoteKey(item) : fail(path, 'must be a verifier key')
  return key.type === NOTE_COSIGNATURE ? key : fail(path, "is a log's key, not a witness's")
}
