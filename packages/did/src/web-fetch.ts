/**
 * The little of the web that resolvers need. The platform's implementation follows no redirect to another host, reaches no
 * private address, and gives up after `maxBytes` and some seconds.
 */
import type { Bytes } from '@keystead/core'

/** Undefined: the server says that there is nothing (404, 410). Rejects when it cannot be asked or says too much. */
export type WebFetch = (url: string, maxBytes: number) => Promise<Bytes | undefined>
