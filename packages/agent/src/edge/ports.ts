/** What an edge agent needs of its platform. Apps wire it; the testkit passes fakes. No Node types here. */
import type { Clock, Random } from '@keystead/core'
import type { KeyProvider } from '@keystead/crypto'
import type { LedgerClient } from '@keystead/light-client'
import type { Vault } from '@keystead/wallet'

/** The little of `fetch` that we use, so that a test can answer without a socket. */
export type FetchPort = (
  url: string,
  init?: { method?: string; headers?: Record<string, string>; body?: Uint8Array<ArrayBuffer>; signal?: AbortSignal },
) => Promise<{ readonly status: number; arrayBuffer(): Promise<ArrayBuffer> }>

/** The little of a WebSocket that we use: binary or text frames, each one message. */
export interface SocketPort {
  send(data: Uint8Array<ArrayBuffer>): void
  close(): void
  onmessage: ((data: Uint8Array) => void) | null
  onclose: (() => void) | null
}

export interface EdgePorts {
  readonly vault: Vault
  readonly keys: KeyProvider
  readonly ledger: LedgerClient
  readonly fetch: FetchPort
  /** Opens a socket; rejects when it cannot. Absent where there are none: messages are then fetched by polling. */
  readonly socket?: (url: string) => Promise<SocketPort>
  readonly clock: Clock
  readonly random: Random
}
