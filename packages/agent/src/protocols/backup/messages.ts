/**
 * `backup/1.0`: sealed backups at an agency (rule 26). An agent accepts a device's head only from that device's account,
 * extending its own chain; what a recovery reads with is a key that only recovery yields.
 *
 *   owner  --put { vault, stream, seq, prev, hash } [envelope]--> agency   answered by `put-ack`
 *   owner  --readers { vault, readers }----------------------> agency   Ed25519 Multikeys that may read
 *   anyone --challenge-request { vault }---------------------> agency   answered by `challenge { nonce }`
 *   anyone --get { vault, reader, nonce, signature }---------> agency   answered by `envelopes`
 */
import { base64url, canonicalJson, Fields } from '@keystead/core'

const V1 = 'https://keystead.dev/backup/1.0'
export const BACKUP_PUT = `${V1}/put`
export const BACKUP_PUT_ACK = `${V1}/put-ack`
export const BACKUP_READERS = `${V1}/readers`
export const BACKUP_READERS_ACK = `${V1}/readers-ack`
export const BACKUP_CHALLENGE_REQUEST = `${V1}/challenge-request`
export const BACKUP_CHALLENGE = `${V1}/challenge`
export const BACKUP_GET = `${V1}/get`
export const BACKUP_ENVELOPES = `${V1}/envelopes`

/** 16 random bytes as base64url name a vault and a device's stream in it. */
const ID = { min: 22, max: 22, pattern: /^[A-Za-z0-9_-]{22}$/ }
const HASH = { max: 64 }
const MULTIKEY = /^z[1-9A-HJ-NP-Za-km-z]{40,60}$/

export interface BackupPut {
  readonly vault: string
  readonly stream: string
  readonly seq: number
  /** Hash of the envelope before, empty for the first. */
  readonly prev: string
  readonly hash: string
}

export function parseBackupPut(body: unknown): BackupPut {
  const f = new Fields(body, 'body')
  const put = {
    vault: f.string('vault', ID),
    stream: f.string('stream', ID),
    seq: f.integer('seq', { min: 0, max: 2 ** 31 }),
    prev: f.string('prev', HASH),
    hash: f.string('hash', { ...HASH, min: 40 }),
  }
  f.end()
  return put
}

export function parseReaders(body: unknown): { vault: string; readers: string[] } {
  const f = new Fields(body, 'body')
  const parsed = {
    vault: f.string('vault', ID),
    readers: f.array('readers', { max: 8 }, (item, path) =>
      new Fields({ reader: item }, path).string('reader', { max: 64, pattern: MULTIKEY }),
    ),
  }
  f.end()
  return parsed
}

export function parseChallengeRequest(body: unknown): string {
  const f = new Fields(body, 'body')
  const vault = f.string('vault', ID)
  f.end()
  return vault
}

export interface BackupGet {
  readonly vault: string
  readonly reader: string
  readonly nonce: string
  readonly signature: Uint8Array
}

export function parseBackupGet(body: unknown): BackupGet {
  const f = new Fields(body, 'body')
  const get = {
    vault: f.string('vault', ID),
    reader: f.string('reader', { max: 64, pattern: MULTIKEY }),
    nonce: f.string('nonce', { min: 43, max: 43 }),
    signature: f.decoded('signature', 100, base64url.decode),
  }
  f.end()
  return get
}

/** What the reader key signs: this agency, this vault, this nonce. */
export function readTranscript(agency: string, vault: string, nonce: string): Uint8Array {
  return canonicalJson({ protocol: 'https://keystead.dev/backup/1.0', agency, vault, nonce })
}
