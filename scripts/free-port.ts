/**
 * A port that nobody listens on. Not one that the system gives out by itself: those it also lends to outgoing connections, and
 * a program that ends and starts again would now and then find its own taken.
 */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Above what services use, below what Linux (32768 on) and others (49152 on) lend. */
const [FIRST, BEYOND] = [10_240, 32_768]
const TRIES = 100

export async function freePort(): Promise<number> {
  for (let n = 0; n < TRIES; n++) {
    const port = randomInt(FIRST, BEYOND)
    if (await isFree(port)) return port
  }
  throw new Error(`no free port found from ${FIRST} to ${BEYOND}`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
