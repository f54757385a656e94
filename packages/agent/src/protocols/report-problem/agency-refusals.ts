/**
 * With which codes an agency may refuse: a closed set, over HTTP as in problem reports. An agency is nobody we believe, so it must not
 * put words into our mouth that mean something else here, such as that the wallet is locked or that the ledger cannot be reached.
 */

/** What an agency refuses by its own rules. */
const OF_AGENCIES = [
  'NOT_GRANTED',
  'NOT_AUTHENTICATED',
  'UNKNOWN_MESSAGE_TYPE',
  'UNKNOWN_RECIPIENT',
  'MAILBOX_FULL',
  'MESSAGE_TOO_LARGE',
  'BACKUP_CONFLICT',
  'BACKUP_NOT_YOURS',
  'BACKUP_FULL',
  'READ_REFUSED',
  'UNKNOWN_LOCATOR',
  'LOCATOR_NOT_YOURS',
  'FILE_NOT_YOURS',
  'INVITATION_NOT_YOURS',
  'ESCROW_OFF',
  'ESCROW_EXISTS',
  'ESCROW_REFUSED',
  'ESCROW_LOCKED',
  'HEADS_NOT_NEWER',
  'NO_SOCKET',
  'EXPIRED',
  'AGENCY_DISK_FULL',
  'ACCOUNT_SUSPENDED',
  'TOO_MANY_REQUESTS',
  'PUSH_OFF',
  'PUSH_REFUSED',
  'MOVE_REFUSED',
  'MOVE_UNFINISHED',
  'DEVICE_REFUSED',
  'DEVICE_REMOVED',
  'ACCOUNT_MOVED',
  'GUARD_REFUSED',
  'STAY_REFUSED',
  'STAY_SPENT',
  'RELEASE_STAYED',
  'DROP_REFUSED',
  'DROP_FULL',
  'NO_DROP',
  'ATTACHMENT_FULL',
  'ATTACHMENT_TOO_LARGE',
  'ATTACHMENT_CONFLICT',
  'ATTACHMENT_OFF',
  'RESOLVER_OFF',
  'RESOLVER_BUSY',
  'RESULT_TOO_LARGE',
  'RESULT_GONE',
  'RELAY_OFF',
  'RELAY_REFUSED',
  'RELAY_SILENT',
] as const

/** What was asked is not in a form that it reads, or not there. */
const OF_FORM = [
  'BAD_ENCODING',
  'NOT_CANONICAL',
  'BAD_FIELD',
  'UNKNOWN_FIELD',
  'TOO_LARGE',
  'BAD_MESSAGE',
  'BAD_PUBLIC_KEY',
  'UNSUPPORTED_SUITE',
  'UNSUPPORTED_ALGORITHM',
  'NO_RECIPIENT_KEY',
  'NOT_FOUND',
] as const

export type AgencyRefusal = (typeof OF_AGENCIES)[number]

const ALL: ReadonlySet<unknown> = new Set([...OF_AGENCIES, ...OF_FORM])

export function isAgencyRefusal(code: unknown): code is AgencyRefusal | (typeof OF_FORM)[number] {
  return ALL.has(code)
}
