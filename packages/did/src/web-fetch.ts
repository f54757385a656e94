/**
 * The little of the web that resolvers need. The platform's implementation follows no redirect, reaches no private address
 * unless it is told to, and gives up after `maxBytes` and some seconds.
 */
import type { Bytes } from '@keystead/core'

export interface WebGetRequest {
  readonly maxBytes: number
  readonly accept: string
  readonly signal?: AbortSignal | undefined
  /** Told how many bytes of the answer have come. */
  readonly onBytes?: ((received: number) => void) | undefined
}

/** Rejects when the host cannot be asked or says too much (`details.tooLarge`). Every status is an answer. */
export type WebGet = (
  url: string,
  options: WebGetRequest,
) => Promise<{ readonly status: number; readonly bytes: Bytes }>

/** Undefined: the server says that there is nothing (404, 410). Rejects as `WebGet`, and for any other status but 200. */
export type WebFetch = (url: string, maxBytes: number) => Promise<Bytes | undefined>
