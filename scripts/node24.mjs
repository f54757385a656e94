#!/usr/bin/env node
// Launcher in plain JavaScript, so that it runs on any Node from 20 on. It installs the npm packages when they are
// missing or older than the lock file, finds a Node >= 24.7 and re-executes the given script with it, TypeScript as is.
import { spawn } from 'node:child_process'
import { mkdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installIfNeeded } from './install.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const FLAGS = ['--conditions=@keystead/source', '--disable-warning=ExperimentalWarning']

/** @param {string} message */
function fail(message) {
  console.error(`keystead: ${message}`)
  process.exit(69)
}

/** @returns {string} path of a Node binary that runs the project */
function findNode24() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 24 || (major === 24 && minor >= 7)) return process.execPath
  const platform = process.platform === 'win32' ? 'win' : process.platform
  try {
    // Not through .bin/node: npm 10 links none when several packages offer the name.
    const manifest = createRequire(join(root, 'package.json')).resolve(`node-${platform}-${process.arch}/package.json`)
    const binary = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    if (statSync(binary).isFile()) return binary
  } catch {
    // falls through: no package for this platform
  }
  return fail(
    `this machine runs Node ${process.versions.node} and no Node 24 binary exists for ${process.platform}-${process.arch}. Install Node 24 and try again.`,
  )
}

await installIfNeeded(root, fail)
const [script, ...args] = process.argv.slice(2)
if (!script) fail('usage: node scripts/node24.mjs <script> [arguments]')
// Types are stripped and modules compiled once, not at each command: two thirds of every start. Beside the packages, where nobody can
// write who could not change the program itself: whatever the umask, the folder is its owner's alone.
const cache = join(root, 'node_modules', '.cache', 'keystead')
try {
  mkdirSync(cache, { recursive: true, mode: 0o700 })
} catch {
  // The packages are read-only here: every start compiles, as Node does by itself where it cannot write.
}
const env = { NODE_COMPILE_CACHE: cache, ...process.env }
const child = spawn(findNode24(), [...FLAGS, script, ...args], { stdio: 'inherit', env })
// The terminal sends Ctrl-C to the whole group; the child decides how to stop, the launcher waits for it.
process.on('SIGINT', () => {})
for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.on(signal, () => child.kill(signal))
child.on('error', (cause) => fail(cause.message))
child.on('exit', (code, signal) => {
  if (signal) process.exit(128 + ({ SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 0))
  process.exit(code ?? 1)
})
