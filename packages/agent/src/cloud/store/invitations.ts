/** Kept invitations (AGENCY-17): each belongs to the account that put it first, and is forgotten when it is over. */
import { MAX_INVITATIONS_PER_ACCOUNT } from '../../limits.ts'
import type { InvitationForm } from '../../protocols/invitation/messages.ts'
import { refusal } from '../agent.ts'
import type { CloudStore } from './port.ts'
import type { Database } from './tables.ts'

export function invitationsOf({
  db,
  alone,
}: Database): Pick<CloudStore, 'putInvitation' | 'removeInvitation' | 'invitation'> {
  return {
    putInvitation: (owner, { id, expires, form, bytes }, now) =>
      alone(`invitations ${owner}`, async (transaction) => {
        await transaction.deleteFrom('invitations').where('expires', '<', now).execute()
        const known = transaction.selectFrom('invitations').select('owner').where('id', '=', id)
        const row = await known.executeTakeFirst()
        if (row && row.owner !== owner)
          throw refusal('INVITATION_NOT_YOURS', 'an invitation of another account has this name')
        if (row) {
          const invitation = transaction.updateTable('invitations').set({ expires, form, bytes })
          await invitation.where('id', '=', id).execute()
          return
        }
        const own = await transaction.selectFrom('invitations').select('id').where('owner', '=', owner).execute()
        if (own.length >= MAX_INVITATIONS_PER_ACCOUNT)
          throw refusal('MAILBOX_FULL', 'too many invitations of this account wait')
        await transaction.insertInto('invitations').values({ id, owner, expires, form, bytes }).execute()
      }),
    removeInvitation: (owner, id) =>
      alone(`invitations ${owner}`, async (transaction) => {
        await transaction.deleteFrom('invitations').where('id', '=', id).where('owner', '=', owner).execute()
      }),
    invitation: async (id, now) => {
      const kept = db.selectFrom('invitations').selectAll().where('id', '=', id).where('expires', '>=', now)
      const row = await kept.executeTakeFirst()
      return row && { id, expires: row.expires, form: row.form as InvitationForm, bytes: new Uint8Array(row.bytes) }
    },
  }
}
