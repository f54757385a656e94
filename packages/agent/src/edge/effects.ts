/**
 * What handling a message changes, as data: handlers decide, the agent commits. Records and outgoing messages go into the
 * vault in one atomic batch before the mailbox is told to forget the message (durable before acknowledged).
 */
import type { JsonObject } from '@keystead/core'
import type { Category, StoredRecord } from './records.ts'

export interface Outgoing {
  /** Our DID that sends; the peer's DID that receives. Either may be a long form. */
  readonly from: string
  readonly to: string
  readonly type: string
  readonly body: JsonObject
  readonly thid?: string
  readonly pthid?: string
  readonly attachments?: readonly { readonly id: string; readonly mediaType: string; readonly json: JsonObject }[]
  /** A DID of ours that `from` replaces (DIDComm v2.1, "DID Rotation"). */
  readonly replaces?: string
  /** Seconds since 1970 after which the message is worth nothing and is dropped. */
  readonly expires?: number
}

/** Something a person or a waiting command would want to know. */
export interface AgentEvent {
  readonly kind: string
  readonly text: string
  readonly data: JsonObject
}

export interface Effects {
  readonly put?: readonly StoredRecord<unknown>[]
  readonly remove?: readonly { readonly category: Category; readonly name: string }[]
  readonly send?: readonly Outgoing[]
  readonly events?: readonly AgentEvent[]
}

export function combineEffects(...all: readonly Effects[]): Effects {
  return {
    put: all.flatMap((effects) => effects.put ?? []),
    remove: all.flatMap((effects) => effects.remove ?? []),
    send: all.flatMap((effects) => effects.send ?? []),
    events: all.flatMap((effects) => effects.events ?? []),
  }
}
