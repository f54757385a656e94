/** What an edge agent needs of its platform. Apps wire it; the testkit passes fakes. No Node types here. */
import type { Bytes, Clock, JsonObject, Random } from '@keystead/core'
import type { KeyProvider } from '@keystead/crypto'
import type { WebFetch, WebGet } from '@keystead/did'
import type { FetchPort, LedgerClient } from '@keystead/light-client'
import type { Vault } from '@keystead/wallet'

/** The little of a WebSocket that we use: each frame is one message. */
export interface SocketPort {
  send(data: Bytes): void
  close(): void
  onmessage: ((data: Uint8Array) => void) | null
  onclose: (() => void) | null
}

/** A folder in which a backup lies. A write is whole and on disk when it resolves, or it is not there. */
export interface FolderPort {
  /** Names of its files; none where it does not exist. */
  list(): Promise<string[]>
  read(name: string): Promise<Uint8Array>
  write(name: string, bytes: Uint8Array): Promise<void>
  remove(name: string): Promise<void>
}

export interface EdgePorts {
  readonly vault: Vault
  readonly keys: KeyProvider
  readonly ledger: LedgerClient
  readonly fetch: FetchPort
  /** Opens a socket; rejects when it cannot. Absent where there are none: messages are then fetched by polling. */
  readonly socket?: (url: string) => Promise<SocketPort>
  /** The web, for did:web and did:webvh. Absent where other hosts cannot be asked, as in browsers. */
  readonly web?: WebFetch
  /**
   * For what contacts attach by link: reaches public addresses over https alone, follows no redirect, and lasts as long as `DOWNLOAD_MS`.
   * Absent: only our own agency is asked.
   */
  readonly download?: WebGet
  /** Folders of this machine, by path. Absent where there are none. */
  readonly folder?: (path: string) => FolderPort
  readonly clock: Clock
  readonly random: Random
  /** Told of everything a person may want to know, as it happens. */
  readonly onEvent?: (event: AgentEvent) => void
}

/** Something a person or a waiting command would want to know. `kind` is stable, `text` one sentence. */
export interface AgentEvent {
  readonly kind: string
  readonly text: string
  readonly relationship?: string
  /** The same for programs, where the sentence carries more than what happened. */
  readonly data?: JsonObject
}
