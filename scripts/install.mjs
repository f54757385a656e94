// The npm packages of this clone, installed when they are missing or older than the lock file, by one command at a time.
// Plain JavaScript, as the launcher that imports it.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** How often somebody who waits looks again. */
const LOOK = 300
/** An installation takes a minute or two; after so long the number in the file is another process's. */
const LONGEST = 15 * 60_000
/** Ports tried, of which other programs may have some. */
const PORTS = 50

/**
 * The lock file's content is remembered after each install; a difference means "install again".
 * @param {string} root
 * @param {(message: string) => never} fail
 */
export async function installIfNeeded(root, fail) {
  if (isInstalled(root)) return
  const lock = await takeLock(root)
  try {
    await afterOrphan(root)
    if (isInstalled(root)) return
    console.error('Installing npm packages (about a minute, once) ...')
    const wanted = readFileSync(join(root, 'package-lock.json'), 'utf8')
    const ended = await npmCi(root)
    if (ended !== 0) fail(`npm ci failed (exit ${ended}); the lines above say why`)
    writeFileSync(stampOf(root), wanted)
  } finally {
    lock?.close()
  }
}

/** @param {string} root */
const stampOf = (root) => join(root, 'node_modules', '.keystead-installed')

/** @param {string} root */
function isInstalled(root) {
  const stamp = stampOf(root)
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === readFileSync(join(root, 'package-lock.json'), 'utf8')
}

/** @param {string} root */
const digest = (root) => createHash('sha256').update(root).digest()

/**
 * A port of this machine is the lock: the system gives it back however its holder ends, `kill -9` included, and no two have
 * it. Below the ports that the system gives to connections.
 * @param {string} root
 * @returns {Promise<import('node:net').Server | undefined>} nothing where this machine lets nobody listen
 */
async function takeLock(root) {
  const banner = `keystead installs ${digest(root).toString('hex')}\n`
  const first = 20_000 + (digest(root).readUInt32BE(0) % 10_000)
  let port = first
  let told = false
  let silent = 0
  while (port < first + PORTS) {
    const server = await listen(port, banner)
    if (server === 'impossible') return undefined
    if (server) return server
    const holder = await bannerOf(port)
    if (holder === banner) {
      if (!told) console.error('Another command is installing the npm packages; waiting for it ...')
      told = true
      silent = 0
      await sleep(LOOK)
      // Either it has just ended, or somebody else's program has the port.
    } else if (holder !== undefined || ++silent > 5) {
      port++
      silent = 0
    } else await sleep(LOOK)
  }
  return undefined
}

/**
 * Undefined when the port is taken.
 * @param {number} port
 * @param {string} banner
 * @returns {Promise<import('node:net').Server | 'impossible' | undefined>}
 */
function listen(port, banner) {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(banner)
    })
    server.once('error', (error) => {
      resolve(/** @type {NodeJS.ErrnoException} */ (error).code === 'EADDRINUSE' ? undefined : 'impossible')
    })
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.unref()
      resolve(server)
    })
  })
}

/**
 * What its holder says; undefined when nobody answers.
 * @param {number} port
 * @returns {Promise<string | undefined>}
 */
function bannerOf(port) {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ port, host: '127.0.0.1', timeout: 2_000 })
    socket.on('data', (data) => {
      text += data.toString('latin1')
      if (text.length > 256) socket.destroy()
    })
    socket.on('timeout', () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => resolve(text === '' ? undefined : text))
  })
}

/** @param {string} root */
const runningFile = (root) => join(tmpdir(), `keystead-installing-${digest(root).toString('hex').slice(0, 16)}`)

/**
 * An npm whose command was killed goes on by itself: nothing is installed beside it.
 * @param {string} root
 */
async function afterOrphan(root) {
  const file = runningFile(root)
  for (let told = false; existsSync(file) && Date.now() - statSync(file).mtimeMs < LONGEST; told = true) {
    if (!isAlive(Number(readFileSync(file, 'utf8')))) break
    if (!told) console.error('An installation that lost its command is still running; waiting for it ...')
    await sleep(LOOK)
  }
  rmSync(file, { force: true })
}

/** @param {number} pid */
function isAlive(pid) {
  if (!Number.isInteger(pid) || pid < 2) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM'
  }
}

/**
 * Its exit status or signal.
 * @param {string} root
 * @returns {Promise<number | string>}
 */
function npmCi(root) {
  const npm = process.env.npm_execpath
  const [command, args] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []]
  const child = spawn(
    command,
    [...args, 'ci', '--no-audit', '--no-fund', '--loglevel=error', '--engine-strict=false', '--progress=true'],
    { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' && command === 'npm' },
  )
  return new Promise((resolve) => {
    if (child.pid !== undefined) writeFileSync(runningFile(root), String(child.pid))
    child.once('error', (cause) => resolve(cause.message))
    child.once('exit', (code, signal) => {
      rmSync(runningFile(root), { force: true })
      resolve(code ?? signal ?? 1)
    })
  })
}
