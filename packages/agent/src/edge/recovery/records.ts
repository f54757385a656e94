/** What the agent keeps about recovery: our own, and what we keep and do for others. */
import type { ContactCeremony, Guard, NewDeviceCeremony, PathId, RecoveryPolicy } from '@keystead/recovery'

/** One deal of recovery: public halves, and who keeps what; the secrets are with the contacts and on paper. */
export interface RecoverySetup {
  readonly policy: RecoveryPolicy
  /** Name of the set of share packets; absent where no contacts keep one. */
  readonly set?: string
  /** X-Wing and Ed25519 Multikeys of the paths: backups and recovery keys are sealed to one, read with the other. */
  readonly paths: readonly { readonly id: PathId; readonly kem: string; readonly reader: string }[]
  readonly contacts: readonly {
    readonly relationship: string
    readonly index: number
    readonly answer?: 'kept' | 'declined'
  }[]
  /** Digest of the kit's veto code, by which a kit that is read back is known. */
  readonly kit: { readonly veto: string; readonly checked: boolean }
  readonly made: number
  /** Waits for enough of those it is dealt to; until then the one before stands (RECOVERY-23). */
  readonly proposed?: true
  /** A later deal took its place then; it is served until the ledger's hold is over (rule 5). */
  readonly supersededAt?: number
}

/** The agents of the PIN of one deal: what is to be brought to each, and what it said. On this device only. */
export interface EscrowProgress {
  readonly agents: readonly {
    /** DID, operator and address as the signed descriptor has them. */
    readonly id: string
    readonly operator: string
    readonly endpoint: string
    readonly demonstration: boolean
    /** Our DID for this agent alone, and the account of the share there. */
    readonly sender: string
    readonly account: string
    /** Sealed to the agent, base64url, until it has confirmed. */
    readonly registration?: string
    /** The sealed locator record, where this agent keeps one too, until it has confirmed. */
    readonly locator?: { readonly account: string; readonly record: string }
    readonly keepsLocator?: boolean
    /** Guesses it has counted; somebody knew the PIN; it answers no more. */
    readonly used?: number
    readonly released?: boolean
    readonly locked?: boolean
    /** Health key, base64url; when it last proved that all is there, since when it does not answer, or that it is not there. */
    readonly health: string
    readonly proven?: number
    readonly open?: number
    readonly lost?: true
    /** Until when the agent keeps it without hearing of us, by its word, seconds since 1970. */
    readonly kept?: number
    /** Number of the last word on our log that it keeps. */
    readonly said?: number
  }[]
  /** When they were last asked, seconds since 1970. */
  readonly looked: number
}

/** What is guarded of a deal, and where; the tokens are with kit and contacts. */
export interface GuardItem {
  /** DID of the agency, and ours there. */
  readonly agency: string
  readonly sender: string
  readonly subject: string
  readonly guard: Guard
}

/** Of one deal: what the owner knows of its shares since (RECOVERY-21). On this device only. */
export interface ShareHealth {
  readonly contacts: readonly {
    readonly relationship: string
    /** Health key of the packet, base64url. */
    readonly key: string
    /** The question that is open; when it was last asked, and for the first time without an answer. */
    readonly nonce?: string
    readonly asked?: number
    readonly open?: number
    /** When the contact last showed to have the share, or that they have it no more. */
    readonly proven?: number
    readonly lost?: true
  }[]
  /** When the owner rehearsed, and was reminded of what is wrong. */
  readonly rehearsed?: number
  readonly reminded?: number
}

/** A registration that is used up. `proof`: we did not register it, but knew the PIN; removed once authority is back. */
export interface SpentEscrow {
  readonly agent: string
  readonly sender: string
  readonly account: string
  /** Tag and seed of the signing key, base64url. */
  readonly proof?: { readonly tag: string; readonly auth: string }
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
  /** The packet, base64url, and the one that is given in person alone. */
  readonly packet: string
  readonly meeting?: string
  readonly received: number
  /** Seconds for which it is kept once another took its place, as the owner said with it; and when that was. */
  readonly keep: number
  readonly supersededAt?: number
}

/** A recovery of ours under way, on the new device. */
export interface Rescue {
  /** The kit's machine line, where there is a kit. */
  readonly kit?: string
  /** Our DIDs for the agents of the PIN; once it was right, group secret E (base64url), and what is then used up. */
  readonly escrow?: {
    readonly senders: readonly { readonly agent: string; readonly sender: string }[]
    readonly secret?: string
    readonly spent?: readonly SpentEscrow[]
  }
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
  readonly shares: readonly {
    readonly session: string
    readonly sealed: string
    /** Where the contact met us. */
    readonly meeting?: string
  }[]
  /** The records are back; what remains is to claim authority. */
  readonly restored?: Restored
}

/** What came back, and what is known to be missing (row N5). */
export interface Restored {
  readonly records: number
  readonly path: PathId
  /** Batches that were read, of how many devices, from how many of the holders. */
  readonly batches: number
  readonly devices: number
  readonly holders: { readonly read: number; readonly of: number }
  /** When the newest change was made, seconds since 1970; absent where there was none. */
  readonly newest?: number
  /** Sentences for the owner: what is older than was acknowledged, what is missing, what was left out. */
  readonly lacks: readonly { readonly code: string; readonly text: string }[]
}

/** A recovery of somebody else that we were asked to help with, by session. */
export interface Helping {
  readonly session: string
  /** Whose share it is about. */
  readonly relationship: string
  readonly packet: string
  readonly meeting?: string
  /** Long forms of our DID for this alone, and of the new device. */
  readonly did: string
  readonly peer: string
  readonly ceremony: ContactCeremony
  readonly started: number
  /** A guardian carries it out: the link with their word, and what they call themself. */
  readonly vouched?: { readonly url: string; readonly name: string }
}
