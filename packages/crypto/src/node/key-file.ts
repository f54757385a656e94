/** A signing key in a file of its own, for servers: made the first time, never rewritten. */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { base64url, Fields, parseJson, systemRandom } from '@keystead/core'
import type { KeyProvider, SigningKey } from '../types.ts'

/** The Ed25519 key in the file. With `make` a missing one is made, on disk before it is used; else the system's error. */
export async function openKeyFile(file: string, keys: KeyProvider, make = true): Promise<SigningKey> {
  if (make && !existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const seed = systemRandom(32)
    writeFileDurably(file, JSON.stringify({ v: 1, suite: 'ed25519', seed: base64url.encode(seed) }))
    seed.fill(0)
  }
  const f = new Fields(parseJson(new Uint8Array(readFileSync(file)), 1024), 'key file')
  f.literal('v', 1)
  f.literal('suite', 'ed25519')
  const secret = f.decoded('seed', 43, base64url.decode)
  f.end()
  const key = await keys.fromSecret({ kind: 'signing', suite: 'ed25519' }, secret)
  secret.fill(0)
  return key
}

/** Replaces a file whole: after a crash it is the old one or the new one. Readable by its owner alone. */
export function writeFileDurably(file: string, content: string | Uint8Array): void {
  const temporary = `${file}.new`
  const descriptor = openSync(temporary, 'w', 0o600)
  try {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content
    for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  renameSync(temporary, file)
  syncFolder(dirname(file))
}

/** Overwrites a file and removes it. A file system that copies on write, or a backup, may still hold the old bytes. */
export function destroyFileDurably(file: string): void {
  const descriptor = openSync(file, 'r+')
  try {
    writeSync(descriptor, new Uint8Array(fstatSync(descriptor).size))
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  unlinkSync(file)
  syncFolder(dirname(file))
}

/** Makes what was created, renamed or removed in a folder durable. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
