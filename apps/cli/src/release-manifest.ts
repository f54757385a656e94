/**
 * A release manifest (RELEASE-1): which files a release has, which flaws are known, and by when its maker speaks again. What makes it
 * the maker's is an anchor of its digest on the ledger, by the maker's DID: nobody else can make one, and none can be left out unseen.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { canonicalJson, Fields, type JsonObject, KeysteadError, multihash, parseJson } from '@keystead/core'
import { sha256 } from '@keystead/crypto'

/** Files of one release: this project has about a thousand, its packages installed some ten thousand. */
const MAX_FILES = 50_000
const MAX_MANIFEST_BYTES = 16 * 1024 * 1024
const MAX_FLAWS = 256
export const MANIFEST = 'release.json'

export interface ReleaseFile {
  /** With slashes, from the release's folder. */
  readonly path: string
  readonly size: number
  /** SHA-256 as a multihash. */
  readonly hash: string
}

export interface Manifest {
  readonly v: 1
  readonly name: string
  readonly version: string
  /** Counts the maker's statements from 1: each has its own anchor. */
  readonly n: number
  /** Seconds since 1970: when it was made, and by when the next statement comes, be it that all is well. */
  readonly made: number
  readonly nextBy: number
  readonly files: readonly ReleaseFile[]
  /** What is known to be wrong with a version, and since which it is mended. */
  readonly flaws: readonly { readonly id: string; readonly text: string; readonly fixedIn?: string }[]
}

export function manifestBytes(manifest: Manifest): Uint8Array {
  return canonicalJson(manifest as unknown as JsonObject)
}

/** What is anchored. */
export function manifestRoot(manifest: Manifest): string {
  return multihash.encode(sha256(manifestBytes(manifest)))
}

/** Throws `BAD_RELEASE`. */
export function parseManifest(bytes: Uint8Array): Manifest {
  try {
    const f = new Fields(parseJson(bytes, MAX_MANIFEST_BYTES), 'release')
    const text = { min: 1, max: 64 }
    const manifest: Manifest = {
      v: f.literal('v', 1),
      name: f.string('name', text),
      version: f.string('version', text),
      n: f.integer('n', { min: 1, max: 2 ** 31 - 1 }),
      made: f.integer('made', { min: 0, max: Number.MAX_SAFE_INTEGER }),
      nextBy: f.integer('nextBy', { min: 0, max: Number.MAX_SAFE_INTEGER }),
      files: f.array('files', { max: MAX_FILES }, (item, path) => readFile(item, path)),
      flaws: f.array('flaws', { max: MAX_FLAWS }, (item, path) => {
        const flaw = new Fields(item, path)
        const fixedIn = flaw.optional('fixedIn', (fields, name) => fields.string(name, text))
        const read = {
          id: flaw.string('id', text),
          text: flaw.string('text', { min: 1, max: 2000 }),
          ...(fixedIn === undefined ? {} : { fixedIn }),
        }
        flaw.end()
        return read
      }),
    }
    f.end()
    return manifest
  } catch (cause) {
    throw new KeysteadError('BAD_RELEASE', 'this is not a release manifest', { cause })
  }
}

function readFile(item: unknown, path: string): ReleaseFile {
  const f = new Fields(item, path)
  const file = {
    path: f.string('path', { min: 1, max: 1024, pattern: /^(?!\/)(?!.*(?:^|\/)\.\.(?:\/|$))[^\\]+$/ }),
    size: f.integer('size', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    hash: f.decoded('hash', 46, (text) => multihash.encode(multihash.decode(text))),
  }
  f.end()
  return file
}

/** Every file of the folder but the manifest itself, by path. A link or another oddity is refused: its content is elsewhere. */
export async function filesOf(folder: string): Promise<ReleaseFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files: ReleaseFile[] = []
  for (const entry of entries) {
    if (entry.isDirectory()) continue
    const path = join(entry.parentPath, entry.name)
    const name = relative(folder, path).split(sep).join('/')
    if (!entry.isFile()) throw new KeysteadError('BAD_RELEASE', `${name} is neither a file nor a folder`)
    if (name !== MANIFEST) files.push(await digestOf(path, name))
  }
  if (files.length > MAX_FILES) throw new KeysteadError('BAD_RELEASE', `a release has at most ${MAX_FILES} files`)
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

async function digestOf(file: string, path: string): Promise<ReleaseFile> {
  const hash = createHash('sha256')
  let size = 0
  const stream = createReadStream(file)
  stream.on('data', (chunk) => {
    size += chunk.length
  })
  await pipeline(stream, hash)
  return { path, size, hash: multihash.encode(new Uint8Array(hash.digest())) }
}

/** What differs, a sentence each. */
export function differences(said: readonly ReleaseFile[], found: readonly ReleaseFile[]): string[] {
  const there = new Map(found.map((file) => [file.path, file]))
  const named = new Set(said.map(({ path }) => path))
  return [
    ...said.flatMap(({ path, size, hash }) => {
      const file = there.get(path)
      if (!file) return [`${path} is missing`]
      return file.hash === hash && file.size === size ? [] : [`${path} is another`]
    }),
    ...found.flatMap(({ path }) => (named.has(path) ? [] : [`${path} was added`])),
  ]
}
