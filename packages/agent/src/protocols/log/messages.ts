/**
 * `log/1.0` (SYNC-10): the operation log at an agency, which keeps it for backup and passes it between the devices of one
 * account. It checks who made a batch and where it belongs (rule 26) and can open none.
 *
 *   device --put-entry { vault }-----------------------> [entry]     the next of the log's authority; answered by `held`
 *   device --put { vault, log, key }-------------------> [batches]   a run of one chain; answered by `held`
 *   device --trim { vault, chain, before }------------->             a later snapshot says it again; answered by `held`
 *   device --readers { vault, readers }---------------->             Ed25519 Multikeys that may read, for ever; `held`
 *   device --fetch { vault, from, entries }------------>             what it lacks; answered by `shown`
 *   anyone --challenge-request { vault }--------------->             answered by `challenge { nonce }`
 *   anyone --read { vault, from, entries, reader, nonce, signature }-> answered by `shown`, with the next nonce
 *
 *   held { vault, heads: [{ chain, seq, hash }], entries }
 *   shown { vault, heads, entries, more, nonce? } [entries and batches, in order]
 */
import { base64url, canonicalJson, Fields, type JsonObject } from '@keystead/core'
import type { ChainHead } from '@keystead/wallet'
import { MAX_CHAINS_PER_VAULT } from '../../limits.ts'

const V1 = 'https://keystead.dev/log/1.0'
export const LOG_PUT_ENTRY = `${V1}/put-entry`
export const LOG_PUT = `${V1}/put`
export const LOG_TRIM = `${V1}/trim`
export const LOG_READERS = `${V1}/readers`
export const LOG_HELD = `${V1}/held`
export const LOG_FETCH = `${V1}/fetch`
export const LOG_CHALLENGE_REQUEST = `${V1}/challenge-request`
export const LOG_CHALLENGE = `${V1}/challenge`
export const LOG_READ = `${V1}/read`
export const LOG_SHOWN = `${V1}/shown`

/** 16 random bytes as base64url: a vault, a log, a chain. */
const ID = { min: 22, max: 22, pattern: /^[A-Za-z0-9_-]{22}$/ }
const MULTIKEY = { max: 64, pattern: /^z[1-9A-HJ-NP-Za-km-z]{40,60}$/ }
const SEQ = { min: 0, max: 2 ** 31 - 1 }

/** Of `put-entry` and `challenge-request`: the vault. */
export function parseVault(body: unknown): string {
  const f = new Fields(body, 'body')
  const vault = f.string('vault', ID)
  f.end()
  return vault
}

export function parseLogPut(body: unknown): { vault: string; log: string; key: string } {
  const f = new Fields(body, 'body')
  const put = { vault: f.string('vault', ID), log: f.string('log', ID), key: f.string('key', MULTIKEY) }
  f.end()
  return put
}

export function parseTrim(body: unknown): { vault: string; chain: string; before: number } {
  const f = new Fields(body, 'body')
  const trim = { vault: f.string('vault', ID), chain: f.string('chain', ID), before: f.integer('before', SEQ) }
  f.end()
  return trim
}

export function parseReaders(body: unknown): { vault: string; readers: string[] } {
  const f = new Fields(body, 'body')
  const parsed = {
    vault: f.string('vault', ID),
    readers: f.array('readers', { max: 8 }, (item, path) =>
      new Fields({ reader: item }, path).string('reader', MULTIKEY),
    ),
  }
  f.end()
  return parsed
}

/** What somebody lacks: of each chain the first number, by default all; of the authority the first number. */
export interface Wanted {
  readonly from: readonly { readonly chain: string; readonly seq: number }[]
  readonly entries: number
}

export function parseFetch(body: unknown): Wanted & { vault: string } {
  const f = new Fields(body, 'body')
  const fetch = { vault: f.string('vault', ID), ...wantedOf(f) }
  f.end()
  return fetch
}

export interface LogRead extends Wanted {
  readonly vault: string
  readonly reader: string
  readonly nonce: string
  readonly signature: Uint8Array
}

export function parseLogRead(body: unknown): LogRead {
  const f = new Fields(body, 'body')
  const read = {
    vault: f.string('vault', ID),
    ...wantedOf(f),
    reader: f.string('reader', MULTIKEY),
    nonce: f.string('nonce', { min: 43, max: 43 }),
    signature: f.decoded('signature', 100, base64url.decode),
  }
  f.end()
  return read
}

function wantedOf(f: Fields): Wanted {
  const from = f.array('from', { max: MAX_CHAINS_PER_VAULT }, (item, path) => {
    const one = new Fields(item, path)
    const wanted = { chain: one.string('chain', ID), seq: one.integer('seq', SEQ) }
    one.end()
    return wanted
  })
  return { from, entries: f.integer('entries', SEQ) }
}

/** Where the chains of a vault end, and how many entries its authority has. */
export interface Held {
  readonly heads: readonly ChainHead[]
  readonly entries: number
}

export function parseHeld(body: unknown): Held {
  const f = new Fields(body, 'body')
  f.string('vault', ID)
  const held = heldOf(f)
  f.end()
  return held
}

export function parseShown(body: unknown): Held & { more: boolean; nonce?: string } {
  const f = new Fields(body, 'body')
  f.string('vault', ID)
  const shown = { ...heldOf(f), more: f.boolean('more') }
  const nonce = f.optional('nonce', (fields, name) => fields.string(name, { min: 43, max: 43 }))
  f.end()
  return { ...shown, ...(nonce === undefined ? {} : { nonce }) }
}

function heldOf(f: Fields): Held {
  const heads = f.array('heads', { max: MAX_CHAINS_PER_VAULT }, (item, path) => {
    const one = new Fields(item, path)
    const head = {
      chain: one.string('chain', ID),
      seq: one.integer('seq', SEQ),
      hash: one.string('hash', { min: 43, max: 43 }),
    }
    one.end()
    return head
  })
  return { heads, entries: f.integer('entries', { min: 0, max: 2 ** 31 }) }
}

export function wantedJson({ from, entries }: Wanted): JsonObject {
  return { from: from.map(({ chain, seq }) => ({ chain, seq })), entries }
}

/** What the reader key signs: this agency, this vault, this nonce. */
export function readTranscript(agency: string, vault: string, nonce: string): Uint8Array {
  return canonicalJson({ protocol: V1, agency, vault, nonce })
}
