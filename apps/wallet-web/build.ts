/** Builds the page, and the worker that keeps it: `dist` is the page, `build.json` what it is made of (PAGE-1). */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { canonicalJson } from '@keystead/core'
import { build } from 'vite'
import { policyHeaders } from './policy.ts'
import type { Build } from './src/offline/build-of-page.ts'

const root = fileURLToPath(new URL('.', import.meta.url))
export const dist = join(root, 'dist')
const configFile = join(root, 'vite.config.ts')
const BUILD = 'build.json'
const WORKER = 'worker.js'
const STAMP = 'sources.txt'
/** Not of the page: what is derived from its files, or is for this machine alone. */
const BESIDE: ReadonlySet<string> = new Set([BUILD, WORKER, STAMP])
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
}

export async function buildIfChanged(): Promise<void> {
  const now = sources()
  if (built(now)) return
  console.log('web building the page ...')
  // Beside it, and then in its place: whoever is given the page meanwhile gets one build, and several who build do not meet.
  const folder = mkdtempSync(`${dist}-`)
  await build({ configFile, logLevel: 'warn', build: { outDir: folder } })
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  await buildWorker(folder, version)
  writeFileSync(join(folder, STAMP), now)
  const former = `${folder}-former`
  try {
    if (!built(now) && existsSync(dist)) renameSync(dist, former)
    if (!built(now)) renameSync(folder, dist)
  } catch (error) {
    // Another one was first.
    if (!built(now)) throw error
  }
  for (const left of [folder, former]) rmSync(left, { recursive: true, force: true })
}

function built(now: string): boolean {
  const stamp = join(dist, STAMP)
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === now
}

/** Names what lies in the folder, and makes the worker that keeps just that. */
export async function buildWorker(folder: string, version: string): Promise<Build> {
  // A browser that cannot compare two versions would go back from one to the other (PAGE-5).
  if (!/^\d+(\.\d+)*$/.test(version)) throw new Error(`a version of the page is numbers with dots between: ${version}`)
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !BESIDE.has(path))
    .sort()
    .map((path) => ({ path: `/${path}`, type: typeOf(path), hash: digest('base64', readFileSync(join(folder, path))) }))
  const said = canonicalJson({ v: 1, version, files, headers: await policyHeaders() })
  writeFileSync(join(folder, BUILD), said)
  const known = { ...(JSON.parse(new TextDecoder().decode(said)) as Omit<Build, 'hash'>), hash: digest('hex', said) }
  await build({
    configFile,
    logLevel: 'warn',
    publicDir: false,
    define: { THIS_BUILD: JSON.stringify(known) },
    build: {
      outDir: folder,
      emptyOutDir: false,
      rolldownOptions: { input: join(root, 'src/offline/worker.ts'), output: { entryFileNames: WORKER } },
    },
  })
  return known
}

function typeOf(path: string): string {
  const type = TYPES[extname(path)]
  if (type === undefined) throw new Error(`the page has a file of a kind that no browser is told of: ${path}`)
  return type
}

const digest = (encoding: 'hex' | 'base64', bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest(encoding)

/** A digest of everything the page is made of. */
function sources(): string {
  const hash = createHash('sha256')
  const folders = [
    root,
    ...readdirSync(join(root, '..', '..', 'packages')).map((name) => join(root, '..', '..', 'packages', name)),
  ]
  for (const folder of folders)
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
      if (
        !/\.(ts|css|html|svg|webmanifest)$/.test(name) ||
        /(^|[\\/])(node_modules|dist)[^\\/]*[\\/]|\.test\.ts$/.test(name)
      )
        continue
      hash.update(`${relative(root, join(folder, name))}\n`).update(readFileSync(join(folder, name)))
    }
  return hash.digest('hex')
}
