/** What the agent keeps about recovery: our own, and what we keep and do for others. */
import type { ContactCeremony, NewDeviceCeremony, PathId, RecoveryPolicy } from '@keystead/recovery'

/** One deal of recovery: public halves, and who keeps what; the secrets are with the contacts and on paper. */
export interface RecoverySetup {
  readonly policy: RecoveryPolicy
  /** Name of the set of share packets. */
  readonly set: string
  /** X-Wing and Ed25519 Multikeys of the paths: backups and recovery keys are sealed to one, read with the other. */
  readonly paths: readonly { readonly id: PathId; readonly kem: string; readonly reader: string }[]
  readonly contacts: readonly {
    readonly relationship: string
    readonly index: number
    readonly answer?: 'kept' | 'declined'
  }[]
  /** Digest of the kit's veto code, by which a kit that is read back is known. */
  readonly kit: { readonly veto: string; readonly checked: boolean }
  /** Names of the vault and of this device's stream at the agency, and the key that signs the stream. */
  readonly vault: string
  readonly stream: string
  readonly streamKey: string
  readonly made: number
  /** A later deal took its place then; it is served until the ledger's hold is over (rule 5). */
  readonly supersededAt?: number
}

/** What still has to be placed at the agency once, and how far the backups are. On this device only. */
export interface BackupProgress {
  /** The sealed locator record and its account, until they are placed. */
  readonly locator?: { readonly account: string; readonly record: string }
  /** The next envelope's number, and the hashes it names: of the one before as a chain link, and as the agency knows it. */
  readonly seq: number
  readonly prev: string
  readonly head: string
  /** Digest of what the newest backup holds, and when it was taken. */
  readonly content?: string
  readonly at?: number
  /** The next envelope, base64url, while it is on its way. */
  readonly pending?: { readonly envelope: string; readonly content: string; readonly at: number }
}

/** Recovery signing keys of one DID or relationship, one a path and deal, each sealed to the path's key (rule 2). */
export interface SealedRecoveryKeys {
  readonly subject: string
  readonly keys: readonly {
    readonly path: PathId
    readonly epoch: number
    readonly h: string
    readonly sealed: string
  }[]
}

/** A share we hold for somebody else. */
export interface HeldShare {
  readonly relationship: string
  /** The packet, base64url. */
  readonly packet: string
  readonly received: number
}

/** A recovery of ours under way, on the new device. */
export interface Rescue {
  /** The kit's machine line. */
  readonly kit: string
  readonly url: string
  readonly expires: number
  /** Long form of our DID for the contacts who help. */
  readonly did: string
  readonly kem: string
  readonly signing: string
  readonly sessions: readonly {
    readonly label: string
    /** Long form of the contact's DID for this ceremony. */
    readonly peer: string
    readonly ceremony: NewDeviceCeremony
  }[]
  /** Packets handed to us, sealed to `kem`, base64url. */
  readonly shares: readonly { readonly session: string; readonly sealed: string }[]
  /** The records are back, from the backup of this number; what remains is to claim authority. */
  readonly restored?: {
    readonly records: number
    readonly backup: number
    readonly gaps: readonly { readonly from: number; readonly to: number }[]
  }
}

/** A recovery of somebody else that we were asked to help with, by session. */
export interface Helping {
  readonly session: string
  /** Whose share it is about. */
  readonly relationship: string
  readonly packet: string
  /** Long forms of our DID for this alone, and of the new device. */
  readonly did: string
  readonly peer: string
  readonly ceremony: ContactCeremony
  readonly started: number
}
