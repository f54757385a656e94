/** Asking a ledger node over HTTP: bounded, timed, and its refusals in our own words. What it answers is judged elsewhere. */
import {
  type Bytes,
  concatBytes,
  isKeysteadError,
  type Json,
  type JsonObject,
  KeysteadError,
  parseJson,
} from '@keystead/core'
import { type NetworkGenesis, networkHash, parseNetworkGenesis } from '@keystead/did-dkms'
import type { LedgerReadErrorCode } from './errors.ts'
import type { LightProvider } from './follow.ts'
import { decodeLightBlock } from './light-block.ts'
import { MAX_BUNDLE_BYTES } from './limits.ts'
import { isNodeRefusal, type NodeRefusal } from './refusals.ts'

/** The little of `fetch` that we use, so that a test can answer without a socket. */
export type FetchPort = (
  url: string,
  init?: {
    method?: string
    headers?: Record<string, string>
    body?: Uint8Array<ArrayBuffer>
    signal?: AbortSignal
    redirect?: 'error'
  },
) => Promise<Answer>

/** Of a `Response`. `body` is read where there is one, so that nobody is sent more than they take. */
export interface Answer {
  readonly status: number
  readonly body?: ReadableStream<Uint8Array> | null
  arrayBuffer(): Promise<ArrayBuffer>
}

/**
 * The bytes of an answer, given up as soon as they are more than `maxBytes`. `onBytes` is told how many have come. Rejects with
 * `TOO_LARGE`, or as the stream does.
 */
export async function readAnswer(
  answer: Omit<Answer, 'status'>,
  maxBytes: number,
  onBytes?: (received: number) => void,
): Promise<Bytes> {
  const tooLarge = (): KeysteadError => new KeysteadError('TOO_LARGE', `the answer has more than ${maxBytes} bytes`)
  if (!answer.body) {
    const whole = new Uint8Array(await answer.arrayBuffer())
    if (whole.length > maxBytes) throw tooLarge()
    return whole
  }
  const reader = answer.body.getReader()
  const parts: Uint8Array[] = []
  let length = 0
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    length += part.value.length
    if (length > maxBytes) {
      await reader.cancel().catch(() => {})
      throw tooLarge()
    }
    parts.push(part.value)
    onBytes?.(length)
  }
  return concatBytes(...parts)
}

const REQUEST_TIMEOUT_MS = 20_000

/** The answer's bytes. Rejects with `LEDGER_UNREACHABLE`, `TOO_LARGE`, or the code for which the node refuses. */
export async function askNode(
  fetch: FetchPort,
  url: string,
  init: Parameters<FetchPort>[1],
  maxBytes: number,
): Promise<Uint8Array> {
  let answer: Awaited<ReturnType<FetchPort>>
  let bytes: Uint8Array
  try {
    answer = await fetch(url, { ...init, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) })
    bytes = await readAnswer(answer, maxBytes)
  } catch (cause) {
    if (isKeysteadError(cause, 'TOO_LARGE')) throw cause
    throw new KeysteadError<LedgerReadErrorCode>(
      'LEDGER_UNREACHABLE',
      `no answer from the ledger node at ${new URL(url).origin}`,
      { cause },
    )
  }
  if (answer.status !== 200 && answer.status !== 202) throw refusal(answer.status, bytes)
  return bytes
}

/** One line of text that a terminal shows as it is: all that is shown of what a server says for itself. */
export function isPlainLine(text: unknown): text is string {
  return typeof text === 'string' && /^[^\p{C}\p{Zl}\p{Zp}]{1,300}$/u.test(text)
}

/** RFC 9457 problem details; `code` is one with which a node may refuse, and `LEDGER_REFUSED` for whatever else it says. */
function refusal(status: number, bytes: Uint8Array): KeysteadError {
  let json: Json = null
  try {
    json = parseJson(bytes, MAX_BUNDLE_BYTES)
  } catch {
    // something between us and the node answered
  }
  const problem = typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as JsonObject) : {}
  const code = isNodeRefusal(problem['code']) ? problem['code'] : 'LEDGER_REFUSED'
  const detail = problem['detail']
  const text = isPlainLine(detail) ? detail : `the ledger node refused with status ${status}`
  const facts = ['bits', 'retryAt'].flatMap((name) => {
    const value = problem[name]
    return Number.isSafeInteger(value) ? [[name, value as number]] : []
  })
  return new KeysteadError<NodeRefusal | LedgerReadErrorCode>(code, text, {
    details: { ...Object.fromEntries(facts), status },
  })
}

/** A node as a provider of light blocks. */
export function httpProvider(fetch: FetchPort, url: string): LightProvider {
  return {
    name: url,
    lightBlock: async (height) => {
      try {
        return decodeLightBlock(await askNode(fetch, `${url}/v1/light-blocks/${height}`, {}, MAX_BUNDLE_BYTES))
      } catch (error) {
        if (error instanceof KeysteadError && error.details['status'] === 404) return undefined
        throw error
      }
    },
  }
}

/**
 * The genesis document of the network a node serves. With `expected` it must have that hash; without, the caller compares
 * it with a second, independent source (rule 19).
 */
export async function fetchGenesis(fetch: FetchPort, url: string, expected?: string): Promise<NetworkGenesis> {
  const genesis = parseNetworkGenesis(
    parseJson(await askNode(fetch, `${url}/v1/genesis`, {}, MAX_BUNDLE_BYTES), MAX_BUNDLE_BYTES),
  )
  if (expected !== undefined && networkHash(genesis) !== expected)
    throw new KeysteadError<LedgerReadErrorCode>('WRONG_NETWORK', 'this ledger node serves another network', {
      details: { expected, found: networkHash(genesis) },
    })
  return genesis
}
