/**
 * What an agency keeps, as a port. Every method that changes something resolves only when the change survives a power cut
 * (durable before acknowledged). Accounts are the DIDs that authenticated; contents are ciphertext.
 */
import type { Bytes } from '@keystead/core'
import type { EscrowRecord, Guard, GuessVerdict } from '@keystead/recovery'
import type { Member, SlotSwap } from '../../protocols/account-devices/messages.ts'
import type { AttachmentPut } from '../../protocols/attachment/messages.ts'
import type { CloudService } from '../../protocols/cloud-agent/messages.ts'
import type { InvitationForm } from '../../protocols/invitation/messages.ts'
import type { Held, Wanted } from '../../protocols/log/messages.ts'
import type { Forgotten } from '../../protocols/move/messages.ts'
import type { PushSubscription } from '../../protocols/push/messages.ts'

export interface MailItem {
  readonly id: string
  readonly recipient: string
  readonly bytes: Bytes
  /** Milliseconds since 1970. */
  readonly received: number
}

/** As it was kept: `n` grows in the order in which an account's messages came. */
export interface KeptMail extends MailItem {
  readonly n: number
}

export interface MailStatus {
  readonly count: number
  readonly bytes: number
  /** Milliseconds since 1970; absent when nothing waits. */
  readonly oldest?: number
  readonly newest?: number
}

/** A share behind a PIN as it is kept. */
export interface StoredEscrow extends EscrowRecord {
  /** The account that registered it. */
  readonly owner: string
  /** Somebody showed that they know the PIN. */
  readonly released: boolean
}

/** An invitation that waits for whoever has its link. */
export interface KeptInvitation {
  readonly id: string
  /** Seconds since 1970. */
  readonly expires: number
  readonly form: InvitationForm
  readonly bytes: Bytes
}

/** Room of one mailbox. */
export interface Room {
  readonly messages: number
  readonly bytes: number
}

/** Room for what is attached. */
export interface AttachmentRoom {
  /** Of one account, where the operator has not said otherwise for it; of all of them. */
  readonly accountBytes: number
  readonly totalBytes: number
}

/** An account as its operator sees it. */
export interface Tenant {
  /** Hash of the account. */
  readonly id: string
  readonly account: string
  readonly services: readonly string[]
  readonly suspended: boolean
  readonly maxMessages: number
  readonly maxBytes: number
  readonly recipients: number
  readonly messages: number
  readonly bytes: number
  readonly backupBytes: number
  readonly attachments: number
  /** Of what is attached, as announced. */
  readonly attachmentBytes: number
  /** Null: as much as the agency gives everybody. */
  readonly maxAttachmentBytes: number | null
}

/** An entry of a log's authority, or a batch. */
export interface LogItem {
  readonly seq: number
  readonly prev: string
  readonly hash: string
  readonly bytes: Bytes
}

export interface LogPage extends Held {
  readonly shown: readonly { readonly chain: string; readonly bytes: Bytes }[]
  /** There is more than fitted. */
  readonly more: boolean
}

/** What decides whether a device is served, read at one moment. */
export interface Standing {
  /** Whose account it speaks for: its own, unless it joined another. */
  readonly account: string
  readonly admin: boolean
  readonly removed: boolean
  /** The account is, by its operator. */
  readonly suspended: boolean
  /** What the account was granted. */
  readonly services: readonly CloudService[]
}

/** The operator's side of the store. */
export interface Tenants {
  tenants(): Promise<Tenant[]>
  setRoom(account: string, room: Room & { readonly attachmentBytes?: number }): Promise<void>
  setSuspended(account: string, suspended: boolean): Promise<void>
  /** Over all accounts; `oldest` in milliseconds since 1970, 0 when no message waits. */
  totals(): Promise<{
    accounts: number
    messages: number
    bytes: number
    oldest: number
    attachments: number
    attachmentBytes: number
  }>
  /** Rejects while the database does not answer. */
  reachable(): Promise<void>
}

export interface CloudStore extends Tenants {
  grants(account: string): Promise<readonly CloudService[]>
  setGrants(account: string, services: readonly CloudService[]): Promise<void>

  standing(device: string): Promise<Standing>
  members(account: string): Promise<Member[]>
  /** Whether any account has added it, and it has joined none. */
  isInvited(device: string): Promise<boolean>
  /** Rejects with `DEVICE_REFUSED`: too many, or another account's; with `ACCOUNT_MOVED`. */
  inviteDevice(account: string, device: string, admin: boolean): Promise<void>
  /** With the mail that waited for it since it was added. Rejects with `DEVICE_REFUSED` where it was not. */
  joinAccount(account: string, device: string): Promise<void>
  /** With its mailbox; true when it had joined. An invitation is taken back. Rejects with `DEVICE_REFUSED` for the last one that may. */
  removeDevice(account: string, device: string): Promise<boolean>
  /**
   * Compare and swap: resolves to what stands there now, put by this call or not. Rejects with `DEVICE_REMOVED`, and with
   * `ACCOUNT_MOVED` where nothing newer stands.
   */
  swapSlot(account: string, device: string, swap: SlotSwap, value: Bytes): Promise<{ seq: number; value: Bytes }>
  /** In the order of their names, from the one after `after` on. */
  slots(
    account: string,
    after: string,
    maxBytes: number,
  ): Promise<{ slots: { slot: string; seq: number; value: Bytes }[]; more: boolean }>

  /** The first account that adds a DID keeps it; `client_error` to any other. */
  /** `proven`: control was shown, which goes before an account that did not; `takeOver`: before any. */
  addRecipient(
    account: string,
    did: string,
    options?: { readonly proven?: boolean; readonly takeOver?: boolean },
  ): Promise<'success' | 'no_change' | 'client_error'>
  removeRecipient(account: string, did: string): Promise<'success' | 'no_change'>
  recipients(account: string): Promise<string[]>
  accountOf(recipient: string): Promise<string | undefined>

  /**
   * Into the mailbox of every device of the account that has room. Resolves to those devices; rejects with `MAILBOX_FULL`
   * when none has. Devices that were added and have not joined find it when they do. `only`: for this device alone.
   */
  addMail(account: string, item: MailItem, only?: string): Promise<readonly string[]>
  mail(
    account: string,
    filter: { recipient?: string; after?: number; limit: number; maxBytes: number },
  ): Promise<KeptMail[]>
  /** `n` of the newest message that waits, for one account or for anybody; 0 when none does. */
  newestMail(account?: string): Promise<number>
  /** Accounts with mail whose `n` is higher. */
  mailAfter(n: number): Promise<string[]>
  /** Called with `accountKey` of an account that has new mail, also when another instance took it; some calls may be lost. */
  onMail(listener: (key: string) => void): void
  accountKey(account: string): string
  mailStatus(account: string, recipient?: string): Promise<MailStatus>
  removeMail(account: string, ids: readonly string[]): Promise<void>
  /** Forgets mail received before then (milliseconds); resolves to how many messages. */
  expireMail(before: number): Promise<number>

  /**
   * Operation logs (SYNC-10). A vault belongs to the account that uses it first: `BACKUP_NOT_YOURS` for any other. What does not
   * follow is `BACKUP_CONFLICT`, the same again is no conflict, and what has no room `BACKUP_FULL`.
   */
  putEntry(
    account: string,
    vault: string,
    /** `entitled`: whether the entry before lets somebody say this; else `BACKUP_NOT_YOURS`. */
    entry: LogItem & { readonly entitled: (before: Bytes) => boolean },
    time: number,
  ): Promise<Held>
  /** A run of one chain, which belongs to `key` from its first batch on. */
  putBatches(
    account: string,
    vault: string,
    key: string,
    batches: readonly (LogItem & { readonly chain: string; readonly kind: 'changes' | 'snapshot' })[],
    time: number,
  ): Promise<Held>
  /** What is before is given to recoveries alone from now on, and removed by `expireLogs`. */
  trimChain(account: string, trim: { vault: string; chain: string; before: number }, time: number): Promise<Held>
  /** None is ever taken away: a thief could shut the owner's recovery out. */
  addReaders(account: string, vault: string, readers: readonly string[], time: number): Promise<Held>
  readers(vault: string): Promise<string[]>
  vaultOwner(vault: string): Promise<string | undefined>
  /** The authority first, then each chain, oldest first, as far as `maxBytes` go. */
  log(vault: string, wanted: Wanted, options: { maxBytes: number; trimmed: boolean }): Promise<LogPage>
  /** The owner, or a recovery, was here. */
  touchVault(vault: string, time: number): Promise<void>
  /** Forgets what was trimmed before then, and vaults nobody came to since (milliseconds); resolves to how many vaults. */
  expireLogs(before: { trimmedBefore: number; touchedBefore: number }): Promise<number>

  putLocator(owner: string, account: string, record: Bytes): Promise<void>
  locator(account: string): Promise<Bytes | undefined>

  /** Registers once: rejects with `ESCROW_EXISTS` for anything but the same again. */
  putEscrow(owner: string, record: EscrowRecord, time: number): Promise<void>
  /** With the guesses counted so far. */
  escrow(account: string): Promise<{ record: StoredEscrow; used: number } | undefined>
  /** Atomic: however many ask at once, never one more than allowed is `counted`. */
  countGuess(account: string, element: Uint8Array, time: number): Promise<{ verdict: GuessVerdict; used: number }>
  /** For a share that is registered; rejects with `HEADS_NOT_NEWER` unless `n` is higher than before, or all is the same. */
  putHeads(account: string, n: number, box: Bytes): Promise<void>
  heads(account: string): Promise<{ n: number; box: Bytes } | undefined>
  markReleased(account: string): Promise<void>
  /** Its owner, or a recovery, was there; times in milliseconds. */
  touchEscrow(account: string, time: number): Promise<void>
  /** Removes what nobody came to since then; resolves to how many. */
  expireEscrows(touchedBefore: number): Promise<number>
  removeEscrow(account: string): Promise<void>

  /** A nonce that may be taken once, for this subject, until then (milliseconds). */
  giveNonce(nonce: string, subject: string, now: number, until: number): Promise<void>
  takeNonce(nonce: string, subject: string, now: number): Promise<boolean>

  /**
   * The account is at this agency from now on, for good, and the mail of the device that says so goes there. False: it is at another
   * one. `may`: whether the device may decide it; it follows in any case.
   */
  setForwarding(account: string, device: string, to: string, may: boolean): Promise<boolean>
  forwardTo(account: string): Promise<string | undefined>
  /** Devices whose mail is to be passed on. */
  forwardings(): Promise<{ device: string; to: string }[]>
  /** What waits for all devices of an account. */
  waitingMail(account: string): Promise<number>
  /** Where the owner of a published file moved to. */
  fileOwnerMovedTo(name: string): Promise<string | undefined>
  /** All of an account but its backups, locators and shares; resolves to what is left. */
  forget(account: string): Promise<Forgotten>

  /** Resolves to how many the account has now. Rejects with `PUSH_REFUSED` beyond the bound. */
  addPush(account: string, subscription: PushSubscription): Promise<number>
  removePush(account: string, endpoint: string): Promise<number>
  pushes(account: string): Promise<PushSubscription[]>

  /** Rejects with `INVITATION_NOT_YOURS` or `MAILBOX_FULL`; forgets what is over. `now`: seconds since 1970. */
  putInvitation(owner: string, invitation: KeptInvitation, now: number): Promise<void>
  removeInvitation(owner: string, id: string): Promise<void>
  /** Undefined when it is over. */
  invitation(id: string, now: number): Promise<KeptInvitation | undefined>

  /** Once: rejects with `GUARD_REFUSED` for another in its place, and for what is not the account's. */
  setGuard(account: string, subject: string, guard: Guard): Promise<void>
  /** Resolves to until when nothing of it is released, seconds since 1970. Rejects with `STAY_REFUSED` or `STAY_SPENT`. */
  stayRelease(subject: string, token: Uint8Array, now: number): Promise<number>
  /** 0 where nobody ever objected. */
  stayedUntil(subject: string): Promise<number>

  /**
   * One part of a sealed file; the first makes room for the whole. The same part again changes nothing. Resolves to the number of the part
   * that comes next, and to when the first one came (milliseconds). Rejects with `ATTACHMENT_CONFLICT`, `ATTACHMENT_FULL`, `ACCOUNT_MOVED`.
   */
  putAttachment(
    owner: string,
    part: AttachmentPut & { readonly bytes: Bytes },
    now: number,
    room: AttachmentRoom,
  ): Promise<{ readonly next: number; readonly created: number }>
  /** True where it was there, and the owner's. */
  removeAttachment(owner: string, id: string): Promise<boolean>
  /** What an owner has attached, whole or not. */
  attachments(owner: string): Promise<{ id: string; size: number; parts: number; created: number }[]>
  /** A whole one that came after then (milliseconds), of an account that is not suspended. */
  attachment(id: string, createdAfter: number): Promise<{ readonly size: number } | undefined>
  attachmentPart(id: string, n: number): Promise<Bytes | undefined>
  /** Forgets what came before then, and uploads that were begun before then and are not whole (milliseconds); resolves to how many. */
  expireAttachments(before: { whole: number; unfinished: number }): Promise<number>

  /** Times in seconds since 1970. Rejects with `DROP_REFUSED` for a box that is not newer, `DROP_FULL`. */
  putDrop(address: string, seq: number, box: Bytes, now: number): Promise<void>
  /** Undefined when nothing lies there, or no more. */
  drop(address: string, now: number): Promise<{ readonly seq: number; readonly box: Bytes } | undefined>

  putFile(owner: string, name: string, mediaType: string, bytes: Bytes): Promise<void>
  file(name: string): Promise<{ mediaType: string; bytes: Bytes } | undefined>
}
