/**
 * The little of the web that resolvers need. The platform's implementation follows no redirect, reaches no private address
 * unless it is told to, and gives up after `maxBytes` and some seconds.
 */
import type { Bytes } from '@keystead/core'

/** Rejects when the host cannot be asked or says too much. Every status is an answer. */
export type WebGet = (
  url: string,
  options: { readonly maxBytes: number; readonly accept: string },
) => Promise<{ readonly status: number; readonly bytes: Bytes }>

/** Undefined: the server says that there is nothing (404, 410). Rejects as `WebGet`, and for any other status but 200. */
export type WebFetch = (url: string, maxBytes: number) => Promise<Bytes | undefined>
