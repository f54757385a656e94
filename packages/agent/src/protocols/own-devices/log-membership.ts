/**
 * How the devices of one owner come to write one log (SYNC-13), beside what they tell each other (`own-devices/1.0`):
 *
 *   log-candidate  { chain, key, kem, sig }    to the others: the chain and the public keys of a device that is to come in
 *   log-invitation { log, vault, seq, hash }   to that device: where the log lies, and the entry to trust
 */
import { base64url, canonicalJson, Fields, type JsonObject } from '@keystead/core'
import { decodeMultikey, encodeMultikey, type PublicKey, verifySignature } from '@keystead/crypto'
import type { LogDevice } from '@keystead/wallet'

const PROTOCOL = 'https://keystead.dev/own-devices/1.0'
export const LOG_CANDIDATE = `${PROTOCOL}/log-candidate`
export const LOG_INVITATION = `${PROTOCOL}/log-invitation`

const ID = { min: 22, max: 22, pattern: /^[A-Za-z0-9_-]{22}$/ }

export interface LogInvitation {
  readonly log: string
  readonly vault: string
  /** The entry of the authority that holds when it is sent. */
  readonly seq: number
  readonly hash: string
}

/** What the new device signs with the key of its chain: that it is its own, and no other device's. */
export function candidateTranscript(account: string, { chain, key, kem }: LogDevice): Uint8Array {
  const parts = { account, chain, key: encodeMultikey(key), kem: encodeMultikey(kem) }
  return canonicalJson({ protocol: LOG_CANDIDATE, ...parts })
}

export function candidateBody({ chain, key, kem }: LogDevice, signature: Uint8Array): JsonObject {
  return { chain, key: encodeMultikey(key), kem: encodeMultikey(kem), sig: base64url.encode(signature) }
}

export interface Candidate {
  readonly device: LogDevice
  readonly signature: Uint8Array
}

/** Form alone. */
export function parseCandidate(body: unknown): Candidate {
  const f = new Fields(body, 'body')
  const device = {
    chain: f.string('chain', ID),
    key: f.decoded('key', 64, (text) => keyOf('ed25519', text)),
    kem: f.decoded('kem', 2048, (text) => keyOf('x-wing', text)),
  }
  const signature = f.decoded('sig', 100, base64url.decode)
  f.end()
  return { device, signature }
}

/** Whether the key of this chain says that it belongs to this account. */
export function isOwn({ device, signature }: Candidate, account: string): boolean {
  return verifySignature(device.key, candidateTranscript(account, device), signature)
}

export function parseInvitation(body: unknown): LogInvitation {
  const f = new Fields(body, 'body')
  const invitation = {
    log: f.string('log', ID),
    vault: f.string('vault', ID),
    seq: f.integer('seq', { min: 0, max: 2 ** 31 - 1 }),
    hash: f.string('hash', { min: 43, max: 43 }),
  }
  f.end()
  return invitation
}

function keyOf<S extends 'ed25519' | 'x-wing'>(suite: S, text: string): PublicKey<S> {
  const key = decodeMultikey(text)
  if (key.suite !== suite) throw new Error('a key of another kind')
  return { suite, bytes: key.bytes }
}
