/**
 * AGENCY-12: how the tables came to be, step by step. Forward only: a step that was released never changes, a new version of
 * the agency appends one, and a database that a newer version wrote is refused instead of guessed at.
 */
import { KeysteadError } from '@keystead/core'
import type { CloudErrorCode } from '../errors.ts'
import { schema } from './tables.ts'

export interface Words {
  readonly bytes: string
  readonly integer: string
  readonly counter: string
  readonly after: string
}

/** Step 1 says "if not exists": it adopts databases from before versions were counted. */
const STEPS: readonly ((words: Words) => readonly string[])[] = [
  schema,
  ({ integer, after }) => [
    `create table accounts (account text primary key, suspended integer not null, max_messages ${integer},
      max_bytes ${integer})${after}`,
    'create index mail_received on mail (received)',
  ],
  ({ after }) => [
    `create table push_subscriptions (account text not null, endpoint text not null, p256dh text not null,
      auth text not null, primary key (account, endpoint))${after}`,
  ],
  () => ['alter table accounts add column forward_to text'],
  ({ bytes, integer, after }) => [
    `create table if not exists invitations (id text primary key, owner text not null, expires ${integer} not null,
      form text not null, bytes ${bytes} not null)${after}`,
    'create index if not exists invitations_owner on invitations (owner)',
  ],
  ({ bytes, integer, after }) => [
    `create table members (device text primary key, account text not null, admin integer not null,
      state text not null)${after}`,
    'create index members_account on members (account)',
    `create table slots (account text not null, slot text not null, seq ${integer} not null, value ${bytes} not null,
      primary key (account, slot))${after}`,
  ],
  // Each message asks how many and how large the others are: answered from the index alone.
  () => ['create index mail_status on mail (account, received, size)'],
  // Whole snapshots were never released; the operation log takes their place (SYNC-10).
  ({ bytes, integer, after }) => [
    'drop table envelopes',
    `alter table vaults add column touched ${integer} not null default 0`,
    `create table batches (vault text not null, chain text not null, key text not null, seq ${integer} not null,
      hash text not null, bytes ${bytes} not null, size integer not null, time ${integer} not null, trimmed ${integer},
      primary key (vault, chain, seq))${after}`,
    'create index batches_trimmed on batches (trimmed)',
  ],
  ({ bytes, integer, after }) => [
    `create table drops (address text primary key, seq ${integer} not null, box ${bytes} not null,
      time ${integer} not null)${after}`,
    'create index drops_time on drops (time)',
  ],
  ({ after }) => [`create table guards (subject text primary key, guard text not null, stay text not null)${after}`],
  () => ['alter table recipients add column proven integer not null default 0'],
  ({ bytes, integer, after }) => [
    `create table escrow_heads (account text primary key, n ${integer} not null, box ${bytes} not null)${after}`,
  ],
  // What was registered before is kept from when its owner is next there.
  ({ integer }) => [`alter table escrows add column touched ${integer} not null default 0`],
  ({ after }) => [
    `create table invited (account text not null, device text not null, admin integer not null,
      primary key (account, device))${after}`,
    "insert into invited (account, device, admin) select account, device, admin from members where state = 'invited'",
    "delete from members where state = 'invited'",
    'alter table members add column moved integer not null default 0',
    `update accounts set forward_to = '' where max_messages = 0 and forward_to is null
      and account not in (select account from grants)`,
  ],
  ({ bytes, integer, after }) => [
    `create table attachments (id text primary key, owner text not null, size ${integer} not null,
      parts integer not null, created ${integer} not null)${after}`,
    'create index attachments_owner on attachments (owner, size)',
    'create index attachments_created on attachments (created)',
    `create table attachment_parts (id text not null, n integer not null, bytes ${bytes} not null,
      primary key (id, n))${after}`,
    `alter table accounts add column max_attachment_bytes ${integer}`,
  ],
]

export const SCHEMA_VERSION: number = STEPS.length

export const VERSION_TABLE = 'create table if not exists schema_version (version integer not null)'

/** Statements, for one transaction, that bring a database from `version` (0: never counted) to ours. Throws `DATABASE_NEWER`. */
export function pendingMigrations(version: number, words: Words): string[] {
  if (version > SCHEMA_VERSION)
    throw new KeysteadError<CloudErrorCode>(
      'DATABASE_NEWER',
      `the database has version ${version}, this agency knows ${SCHEMA_VERSION}: run the newer agency, or restore a backup`,
    )
  if (version === SCHEMA_VERSION) return []
  const steps = STEPS.slice(version).flatMap((step) => step(words))
  return [...steps, 'delete from schema_version', `insert into schema_version (version) values (${SCHEMA_VERSION})`]
}
