/** What the page's answers say about themselves: the same from the server and from what a browser keeps (PAGE-4). */
import { Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'

/** The page talks to its ledger node and to agencies, which its contacts choose: any of them, over HTTP and WebSocket. */
export const policy = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    // Argon2id is WebAssembly.
    scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    manifestSrc: ["'self'"],
    workerSrc: ["'self'"],
    connectSrc: ["'self'", 'http:', 'https:', 'ws:', 'wss:'],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
  },
  referrerPolicy: 'no-referrer',
  xFrameOptions: 'DENY',
})

/** The same as a list, for those who answer without this server. */
export async function policyHeaders(): Promise<Record<string, string>> {
  const app = new Hono().use(policy).get('/', (c) => c.body(null))
  return Object.fromEntries((await app.request('/')).headers)
}
