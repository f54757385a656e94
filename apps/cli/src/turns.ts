/**
 * One process at a time has a wallet open. Whoever listens for hours gives it up while another command works: that command knocks
 * at a socket, is told when the wallet is free, and its turn lasts as long as its connection, which ends with it however it dies.
 * Nothing else goes over the socket. What keeps two processes apart is SQLite's lock, with a socket or without.
 */
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { KeysteadError } from '@keystead/core'

/** Each command that waits holds one connection. */
const MAX_WAITING = 64

/** In a folder of this user's alone: a path in the wallet's own could be too long for a socket. Undefined where there is none. */
function socketOf(folder: string): string | undefined {
  const user = process.getuid?.()
  if (user === undefined) return undefined
  const home = join(tmpdir(), `keystead-${user}`)
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 })
    const { uid, mode } = lstatSync(home)
    if (uid !== user || (mode & 0o077) !== 0) return undefined
  } catch {
    return undefined
  }
  return join(home, `${createHash('sha256').update(resolve(folder)).digest('hex').slice(0, 32)}.sock`)
}

/** The function that ends the turn; undefined where nobody listens who would give one. Rejects when aborted. */
export async function takeTurn(folder: string, signal: AbortSignal): Promise<(() => void) | undefined> {
  signal.throwIfAborted()
  const path = socketOf(folder)
  if (path === undefined) return undefined
  const socket = connect(path)
  const stop = (): void => void socket.destroy()
  signal.addEventListener('abort', stop, { once: true })
  const given = await new Promise<boolean>((answer) => {
    socket.once('data', () => answer(true))
    socket.on('error', () => answer(false))
    socket.once('close', () => answer(false))
  })
  signal.removeEventListener('abort', stop)
  signal.throwIfAborted()
  if (!given) return undefined
  // A command ends when its work is done, whether or not it has said so here.
  socket.unref()
  return stop
}

function answers(path: string): Promise<boolean> {
  const socket = connect(path)
  return new Promise<boolean>((answer) => {
    socket.once('connect', () => answer(true)).once('error', () => answer(false))
  }).finally(() => socket.destroy())
}

/** Where commands knock while somebody listens. */
export class Door {
  readonly #folder: string
  readonly #waiting: Socket[] = []
  #server: Server | undefined
  #knocked = new AbortController()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Call it with the wallet open. Rejects with `WALLET_IN_USE` where somebody listens who has given it up for another's turn. */
  async open(): Promise<void> {
    const path = socketOf(this.#folder)
    if (this.#server || path === undefined) return
    if (await answers(path))
      throw new KeysteadError('WALLET_IN_USE', 'another command listens with this wallet: one at a time does')
    // What is there then is of somebody who is not there any more.
    rmSync(path, { force: true })
    const server = createServer((socket) => this.#admit(socket))
    server.maxConnections = MAX_WAITING
    await new Promise<void>((listening, reject) => server.once('error', reject).listen(path, listening))
    this.#server = server
  }

  #admit(socket: Socket): void {
    // A command that was killed may leave its connection broken, which is no fault here.
    socket.on('error', () => {})
    this.#waiting.push(socket)
    this.#knocked.abort()
  }

  /** Aborted when somebody knocks, or has. */
  get knock(): AbortSignal {
    return this.#knocked.signal
  }

  /** Call it with the wallet closed: each who knocked has a turn. Resolves when nobody waits any more, or when aborted. */
  async giveTurns(signal: AbortSignal): Promise<void> {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) await turnOf(next, signal)
    this.#knocked = new AbortController()
  }

  close(): void {
    this.#server?.close()
    for (const socket of this.#waiting) socket.destroy()
  }
}

async function turnOf(socket: Socket, signal: AbortSignal): Promise<void> {
  const stop = (): void => void socket.destroy()
  signal.addEventListener('abort', stop, { once: true })
  await new Promise<void>((ended) => {
    socket.once('close', () => ended())
    if (socket.destroyed || signal.aborted) ended()
    // What comes is not read for its content, but without reading the end is not seen.
    else socket.resume().write('1')
  })
  signal.removeEventListener('abort', stop)
  socket.destroy()
}
