/** The witness's configuration file: which logs it listens to, and which it asks. Closed members. */
import { readFileSync } from 'node:fs'
import { Fields, fail, parseJson } from '@keystead/core'
import { formatNoteKey, NOTE_ED25519, type NoteKey, parseNoteKey } from '@keystead/light-client'

export interface WitnessedLog {
  readonly origin: string
  /** Keys that may sign its checkpoints: one for each of the network's nodes. */
  readonly keys: readonly NoteKey[]
  /** Where to ask for the newest checkpoint; without, the log comes to us. */
  readonly url?: string
}

export interface WitnessConfig {
  /** Name of the key that cosigns: a URL without scheme, without spaces and plus signs. */
  readonly name: string
  readonly host: string
  readonly port: number
  /** Folder of the key and of what was cosigned. */
  readonly data: string
  /** Seconds between two questions to each log that has a URL. */
  readonly followSeconds: number
  readonly logs: readonly WitnessedLog[]
}

const MAX_CONFIG_BYTES = 256 * 1024

/** Throws errors of `Fields`, of `parseNoteKey`, or the system's. */
export function readWitnessConfig(file: string): WitnessConfig {
  const f = new Fields(parseJson(new Uint8Array(readFileSync(file)), MAX_CONFIG_BYTES), 'config')
  const config = {
    name: f.string('name', { min: 1, max: 100, pattern: /^[^\s+]+$/u }),
    host: f.optional('host', () => f.string('host', { max: 200 })) ?? '127.0.0.1',
    port: f.integer('port', { min: 0, max: 65_535 }),
    data: f.string('data', { min: 1, max: 1000 }),
    followSeconds: f.optional('followSeconds', () => f.integer('followSeconds', { min: 1, max: 86_400 })) ?? 60,
    logs: f.array('logs', { min: 1, max: 1000 }, (item, path) => {
      const l = new Fields(item, path)
      const url = l.optional('url', () => l.string('url', { max: 500, pattern: /^https?:\/\// }))
      const log = {
        origin: l.string('origin', { min: 1, max: 200 }),
        keys: l.array('keys', { min: 1, max: 128 }, (key, at) => logKey(key, at)),
        ...(url ? { url: url.replace(/\/+$/, '') } : {}),
      }
      l.end()
      return log
    }),
  }
  f.end()
  return config
}

function logKey(value: unknown, path: string): NoteKey {
  const key = typeof value === 'string' ? parseNoteKey(value) : fail(path, 'must be a verifier key')
  return key.type === NOTE_ED25519 ? key : fail(path, `${formatNoteKey(key)} is a witness's key, not a log's`)
}
