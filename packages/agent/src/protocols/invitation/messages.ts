/**
 * `invitation/1.0`: an owner has their agency keep an invitation, so that its link is short enough for a QR code (Out-of-Band
 * 2.0, "Short URL Message Retrieval") and waits for somebody who has no wallet yet (AGENCY-17).
 *
 *   owner  --keep { id, expires, form } + invitation--> agency --kept { id, url }--> owner
 *   owner  --withdraw { id }--------------------------> agency --withdrawn { id }--> owner
 *   anyone --GET <url>?_oobid=<id>--------------------> agency: the invitation, or for a browser a page that explains
 */
import { Fields } from '@keystead/core'

export const KEEP_INVITATION = 'https://keystead.dev/invitation/1.0/keep'
export const INVITATION_KEPT = 'https://keystead.dev/invitation/1.0/kept'
export const WITHDRAW_INVITATION = 'https://keystead.dev/invitation/1.0/withdraw'
export const INVITATION_WITHDRAWN = 'https://keystead.dev/invitation/1.0/withdrawn'

/** `sealed`: only whoever has the whole link can read it, the agency cannot. `plain`: as other software expects it. */
export type InvitationForm = 'sealed' | 'plain'
export const INVITATION_MEDIA_TYPES: Readonly<Record<InvitationForm, string>> = {
  sealed: 'application/vnd.keystead.sealed-invitation',
  plain: 'application/didcomm-plain+json',
}

const ID = { min: 32, max: 32, pattern: /^[0-9a-f]{32}$/ }

/** `expires`: seconds since 1970. */
export function parseKeepInvitation(body: unknown): { id: string; expires: number; form: InvitationForm } {
  const fields = new Fields(body, 'body')
  const kept = {
    id: fields.string('id', ID),
    expires: fields.integer('expires', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    form: fields.literal('form', 'sealed', 'plain'),
  }
  fields.end()
  return kept
}

/** Its short address. */
export function parseInvitationKept(body: unknown): string {
  return new Fields(body, 'body').string('url', { min: 8, max: 2048 })
}

export function parseWithdrawInvitation(body: unknown): { id: string } {
  const fields = new Fields(body, 'body')
  const withdrawn = { id: fields.string('id', ID) }
  fields.end()
  return withdrawn
}
