/** The vault as its users see it. */
import type { Clock, JsonObject, Random } from '@keystead/core'
import type { Argon2Parameters, HandleOf, KeyProvider, KeyType, PublicKey } from '@keystead/crypto'
import type { AccessState } from './access/access-control.ts'
import type { Approval, ApprovalRequest } from './access/approval.ts'
import type { AccessPolicy, AccessRequest } from './access/policy.ts'
import type { AuditExport } from './audit.ts'
import type { KeyPurpose } from './key-purposes.ts'
import type { KeyState, KeyUse } from './key-states.ts'
import type { StoredRecord, VaultStore } from './store.ts'

/** Parts of the vault with keys of their own. `keys` and `cache` are never exported (rule 1). */
export type Segment = 'authority' | 'keys' | 'relationships' | 'credentials' | 'messages' | 'cache'

/** Category and name together are unique in a vault; tags are what `list` can ask for. */
export interface VaultRecord {
  readonly segment: Segment
  readonly category: string
  readonly name: string
  readonly value: JsonObject
  readonly tags?: Readonly<Record<string, string>>
  /** When it was last changed, as the operation log counts (SYNC-1); the vault only keeps it. */
  readonly stamp?: string
}

export type VaultChange =
  | { readonly put: VaultRecord }
  | { readonly remove: { readonly category: string; readonly name: string } }

export interface ListedRecord {
  readonly name: string
  readonly value: JsonObject
  readonly tags: Readonly<Record<string, string>>
}

/** Why a key changed its state; those a revocation may have are SP 800-130's (metadata element w). */
export type KeyReason =
  | 'made'
  | 'imported'
  | 'put to use'
  | 'replaced'
  | 'no longer needed'
  | 'cryptoperiod over'
  | 'used up'
  | 'owner decided'
  | 'key compromise'
  | 'device compromise'
  | 'loss'
  | 'suspicion'
  | 'suspicion cleared'
  | 'misuse'
  /** These three change no state. */
  | 'renewed'
  | 'archived'
  | 'retrieved'

/** A change: when (milliseconds since 1970), by which transition of SP 800-57 (1 is generation, 0 none), and why. */
export interface KeyEvent {
  readonly at: number
  readonly number: number
  readonly to: KeyState
  readonly reason: KeyReason
}

export interface KeyInfo {
  readonly keyId: string
  readonly type: KeyType
  readonly publicKey: PublicKey
  readonly purpose: KeyPurpose
  readonly state: KeyState
  /** Every change of state, generation first. */
  readonly events: readonly KeyEvent[]
  /** Times used, at most `USES_AHEAD` too many after a power cut. */
  readonly uses: number
  /** The DID, relationship or other thing it was made for. */
  readonly owner?: string
  /** What made it, with its version (SP 800-130, metadata element f); keys of the first files have none. */
  readonly product?: string
}

export interface NewKeyOptions {
  /** Made and not yet authorized: it can do nothing until it is activated. */
  readonly state?: 'active' | 'pre-activation'
  readonly owner?: string
}

export interface CheckResult {
  readonly records: number
  readonly keys: number
  /** What does not open, by its opaque id. `segment` is what the store says. */
  readonly damaged: readonly { readonly id: string; readonly segment: Segment }[]
  /** What opens and is not found by what it says, or is found by more: `rebuildIndex` mends it. */
  readonly unfindable: readonly string[]
}

export interface NewKey<T extends KeyType> {
  readonly keyId: string
  readonly key: HandleOf<T>
}

/**
 * What opens a wallet: something to remember, or 32 random bytes that something else keeps: a server's secret store (`raw`),
 * the operating system's keyring, or the PRF of a passkey (WebAuthn level 3, section 10.1.4).
 */
export type Unlock =
  | { readonly kind: 'passphrase'; readonly passphrase: string }
  | { readonly kind: 'raw'; readonly key: Uint8Array }
  | { readonly kind: 'keyring'; readonly key: Uint8Array }
  | { readonly kind: 'passkey'; readonly key: Uint8Array; readonly credentialId: Uint8Array }

export interface KeyslotInfo {
  readonly slotId: string
  readonly kind: Unlock['kind']
  readonly label: string
  /** Of a passkey: what to ask the authenticator for. */
  readonly credentialId?: Uint8Array
}

export interface VaultOptions {
  readonly store: VaultStore
  readonly keys: KeyProvider
  readonly clock: Clock
  readonly random: Random
  /** For keyslots made from now on; default 64 MiB, 3 passes. A weaker one, as tests use, also lowers the least we take. */
  readonly argon2?: Argon2Parameters
}

/**
 * An unlocked wallet. Every write is on disk when its promise resolves; changes happen in the order they were asked for.
 * After `lock` everything rejects with `WALLET_LOCKED`; a failing store with `DISK_FULL` or `STORE_FAILED`.
 */
export interface Vault {
  readonly id: string
  /** Rejects with `WRONG_KEY_TYPE` when the purpose wants another kind of key. */
  createKey<T extends KeyType>(type: T, purpose: KeyPurpose, options?: NewKeyOptions): Promise<NewKey<T>>
  /** Keeps a private key made elsewhere; the caller wipes `secret`. Rejects with `BAD_SECRET_KEY`. */
  importKey<T extends KeyType>(
    type: T,
    secret: Uint8Array,
    purpose: KeyPurpose,
    options?: NewKeyOptions,
  ): Promise<NewKey<T>>
  /**
   * A handle of the caller's own for one use; to destroy it ends nobody else's. Rejects with `NO_SUCH_KEY`,
   * `WRONG_KEY_TYPE`, and `KEY_NOT_USABLE` for a key whose state, cryptoperiod or limit does not allow the use.
   */
  key<T extends KeyType>(keyId: string, type: T, use?: KeyUse): Promise<HandleOf<T>>
  keys(): Promise<KeyInfo[]>
  /** Handles of a key that leaves `active` die at once. Rejects with `NO_SUCH_KEY` and `BAD_KEY_STATE`. */
  setKeyState(keyId: string, state: KeyState, reason: KeyReason): Promise<void>
  /** A new cryptoperiod for an active key. Rejects with `NO_SUCH_KEY`, and `BAD_KEY_STATE` where it would be longer than NIST allows. */
  renewKey(keyId: string): Promise<void>
  /** Seals a deactivated key a second time, so that no reading of old messages loads it. Rejects with `NO_SUCH_KEY` and `BAD_KEY_STATE`. */
  archiveKey(keyId: string): Promise<void>
  /** Takes it back out. Rejects with `NO_SUCH_KEY` and `BAD_KEY_STATE`. */
  retrieveKey(keyId: string): Promise<void>
  /** Who must approve what, and what was approved. */
  access(): Promise<AccessState>
  /** The first policy. Rejects with `BAD_POLICY`, and `APPROVAL_NEEDED` where one with rules stands. */
  setAccessPolicy(policy: AccessPolicy): Promise<void>
  /** A request for approvers to sign. Rejects with `BAD_APPROVAL` where nobody's approval is needed. */
  askApproval(
    what: AccessRequest & Pick<ApprovalRequest, 'uses' | 'until' | 'reason' | 'change'>,
  ): Promise<ApprovalRequest>
  /** Takes a request that enough approvers signed, once. Rejects with `BAD_APPROVAL` and `APPROVAL_NEEDED`. */
  grantApproval(request: ApprovalRequest, approvals: readonly Approval[]): Promise<void>
  /** What happened to keys and keyslots, oldest first, signed and chained; `verifyAuditLog` checks it elsewhere. */
  auditLog(): Promise<AuditExport>
  get(category: string, name: string): Promise<JsonObject | undefined>
  /** The whole record, where `get` has its value. */
  record(category: string, name: string): Promise<VaultRecord | undefined>
  /** The records of a category that have all of `tags`, in no order. */
  list(category: string, tags?: Readonly<Record<string, string>>): Promise<ListedRecord[]>
  /** All changes or none, in order: a later one for the same record wins. Rejects with `BAD_RECORD`. */
  batch(changes: readonly VaultChange[]): Promise<void>
  put(record: VaultRecord): Promise<void>
  /** Removing what is not there is no error. */
  remove(category: string, name: string): Promise<void>
  /** What a backup may hold: all but the segments `keys` and `cache` (rule 1). */
  exportRecords(): Promise<VaultRecord[]>
  /** Writes into the audit log that the kit is shown or entered: before it is. */
  noteKit(what: 'shown' | 'entered'): Promise<void>
  /** Writes into the audit log that records leave this wallet: before they do. */
  noteExport(records: number): Promise<void>
  /** Finishes the writes under way, wipes every key, lets the storage go. */
  lock(): Promise<void>
  /** Rejects with `BAD_UNLOCK` and `TOO_MANY_KEYSLOTS`. Records are not touched. */
  addKeyslot(unlock: Unlock, label?: string): Promise<KeyslotInfo>
  /** Puts another unlock into a slot's place, in one write. Rejects with `BAD_UNLOCK` and `NO_SUCH_KEYSLOT`. */
  changeKeyslot(slotId: string, unlock: Unlock): Promise<KeyslotInfo>
  /**
   * Rejects with `NO_SUCH_KEYSLOT` and `LAST_KEYSLOT`. Whoever has an older copy of the file still opens that copy with
   * the removed keyslot.
   */
  removeKeyslot(slotId: string): Promise<void>
  keyslots(): Promise<KeyslotInfo[]>
  /** Opens every record and key. Nothing is changed. */
  check(): Promise<CheckResult>
  /** Makes the index anew from the records themselves; what does not open is not found by it. */
  rebuildIndex(): Promise<void>
  /** Takes records that do not open out of the way; returns what they were stored as, for whoever may still read it. */
  quarantine(ids: readonly string[]): Promise<StoredRecord[]>
}
