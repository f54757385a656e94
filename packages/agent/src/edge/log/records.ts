/** What a device keeps of the operation log it writes (SYNC-11). None of it leaves the device by itself. */
import type { ChainHead, Head } from '@keystead/wallet'
import type { LogInvitation } from '../../protocols/own-devices/log-membership.ts'

export interface OwnLog {
  readonly log: string
  /** Id of this device's chain. */
  readonly chain: string
  /** Names in this vault of the Ed25519 key that signs it, and of the X-Wing key to which data keys are sealed. */
  readonly signing: string
  readonly sealing: string
  /** Records from before have this time, milliseconds since 1970. */
  readonly founded: number
  /** The newest data key's epoch, and the data keys by epoch, base64url. */
  readonly epoch: number
  readonly dataKeys: Readonly<Record<string, string>>
  /** The newest entry of the authority that this device has taken in. */
  readonly authority: Head
  /** Of the next batch. */
  readonly seq: number
  readonly prev: string
  /** Heads of other chains that were taken in, and those that our batches have named. */
  readonly heads: readonly ChainHead[]
  readonly told: readonly ChainHead[]
  /** The highest stamp that was seen when this was written. */
  readonly last: string
  /** Since the newest snapshot; when that was, seconds since 1970; the first numbers of the newest two. */
  readonly changes: number
  readonly snapshotAt: number
  readonly snapshots: readonly number[]
  /** This device deals recovery: it knows which paths are served. */
  readonly deals?: true
}

/** Chain and keys of a device that is to join a log; names in this vault of the keys. */
export interface LogCandidate {
  readonly chain: string
  readonly signing: string
  readonly sealing: string
  /** When the others were last told, seconds since 1970, and what one of them answered. */
  readonly offered?: number
  readonly invited?: LogInvitation
}

/** By `recordKey`: a change, or a removal, that no batch has yet. */
export interface LogChange {
  readonly category: string
  readonly name: string
  readonly stamp: string
  /** Seconds since 1970. */
  readonly at: number
}

/** By number: a batch that some holder lacks. */
export interface KeptBatch {
  readonly bytes: string
  readonly size: number
}

/** SYNC-9: a statement, as it goes to each agent, so that no two of one number differ. */
export interface SaidHeads {
  readonly n: number
  readonly box: string
  /** Hash of our head that it names; when it was made, seconds since 1970. */
  readonly head: string
  readonly at: number
}

/** A chain of another device at a holder of ours. */
export interface RelayedChain extends ChainHead {
  /** The last batch was part of a snapshot; the first numbers of the newest two snapshots; what is trimmed. */
  readonly within: boolean
  readonly snapshots: readonly number[]
  readonly trimmed?: number
}

/** Somebody, or some place, that keeps the log. By address. */
export interface LogHolder {
  /** `own`: the agency of our cloud agent, whichever that is; `agency`: another; `folder`: of this machine. */
  readonly kind: 'own' | 'agency' | 'folder'
  /** Who runs it, by their own word; a folder's path. */
  readonly operator: string
  readonly url: string
  /** DID of the agency, and ours for it. */
  readonly did: string
  readonly account: string
  readonly vault: string
  /** Entries of the authority it has; the head of our chain there. */
  readonly entries: number
  readonly acked?: Head
  /** Reader keys it has. */
  readonly readers: readonly string[]
  /** Our batches before this number are trimmed there. */
  readonly trimmed: number
  /** How far it has the chains of our other devices, where it is not the agency that all of us use. */
  readonly others?: readonly RelayedChain[]
  /** Sealed locator records and their accounts, until they are placed; by the epoch of their deal. */
  readonly locators: readonly { readonly account: string; readonly record: string; readonly epoch: number }[]
  /** When it last took something, and was last looked at; seconds since 1970. */
  readonly at?: number
  readonly looked?: number
  /** When it was found to have less than it had acknowledged. */
  readonly rolledBack?: number
  /** Why it does not have everything, in a sentence. */
  readonly trouble?: string
}
