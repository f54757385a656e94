/** The store of an agency over a database, whichever it is. */

import { grantsOf, recipientsOf } from './accounts.ts'
import { accountKey } from './announcements.ts'
import { attachmentsOf } from './attachments.ts'
import { dropsOf } from './drops.ts'
import { escrowsOf } from './escrows.ts'
import { filesOf } from './files.ts'
import { guardsOf } from './guards.ts'
import type { GuessWitness } from './guess-witness.ts'
import { invitationsOf } from './invitations.ts'
import { logsOf } from './logs.ts'
import { mailOf } from './mailbox.ts'
import { membersOf } from './members.ts'
import { movesOf } from './moves.ts'
import { noncesOf } from './nonces.ts'
import type { CloudStore } from './port.ts'
import { pushesOf } from './pushes.ts'
import type { Database } from './tables.ts'
import { tenantsOf } from './tenants.ts'

export interface OpenStore {
  readonly store: CloudStore
  /** Shares that had to be locked because the database is older than the guesses it counted. */
  readonly locked: number
  /** Copies the database, as it is at one moment, into a file. Absent where the database has its own tools. */
  readonly copyTo?: (file: string) => void
  close(): Promise<void>
}

export function storeOn(
  database: Database,
  witness: GuessWitness,
  onMail: (listener: (key: string) => void) => void,
): CloudStore {
  return {
    ...tenantsOf(database),
    ...grantsOf(database),
    ...recipientsOf(database),
    ...mailOf(database),
    ...attachmentsOf(database),
    ...dropsOf(database),
    ...filesOf(database),
    ...guardsOf(database),
    ...invitationsOf(database),
    ...logsOf(database),
    ...membersOf(database),
    ...movesOf(database),
    ...noncesOf(database),
    ...pushesOf(database),
    ...escrowsOf(database, witness),
    onMail: (listener) => onMail(listener),
    accountKey,
  }
}
