/** Invitations that an agency keeps (AGENCY-17), and what it shows to a browser: somebody who has no wallet yet. */
import { MAX_INVITATION_BYTES, MAX_INVITATION_SECONDS } from '../limits.ts'
import {
  INVITATION_KEPT,
  INVITATION_WITHDRAWN,
  KEEP_INVITATION,
  parseKeepInvitation,
  parseWithdrawInvitation,
  WITHDRAW_INVITATION,
} from '../protocols/invitation/messages.ts'
import { onlyAttachment, refusal } from './agent.ts'
import type { Handler } from './handlers.ts'

export const INVITATION_HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  [
    KEEP_INVITATION,
    {
      service: 'mailbox',
      run: async ({ options: { store, clock, url } }, { account: from, message }) => {
        const { id, expires, form } = parseKeepInvitation(message.body)
        const bytes = onlyAttachment(message)
        if (bytes.length > MAX_INVITATION_BYTES)
          throw refusal('MESSAGE_TOO_LARGE', `an invitation has at most ${MAX_INVITATION_BYTES} bytes`)
        const now = Math.floor(clock.now() / 1000)
        const end = Math.min(expires, now + MAX_INVITATION_SECONDS)
        await store.putInvitation(from, { id, expires: end, form, bytes }, now)
        return { type: INVITATION_KEPT, body: { id, url: `${url}/i?_oobid=${id}`, expires: end } }
      },
    },
  ],
  [
    WITHDRAW_INVITATION,
    {
      service: 'mailbox',
      run: async ({ options: { store } }, { account: from, message }) => {
        const { id } = parseWithdrawInvitation(message.body)
        await store.removeInvitation(from, id)
        return { type: INVITATION_WITHDRAWN, body: { id } }
      },
    },
  ],
])

/** No script and nothing from elsewhere: the page cannot read the key behind "#", and says what to do with the whole address. */
export const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

const STYLE =
  'body{font:1.1rem/1.5 system-ui,sans-serif;max-width:38rem;margin:10vh auto;padding:0 1rem;color:#1c1c1c;background:#fcfcfa}' +
  'code{background:#eee;padding:.1em .3em;border-radius:.2em}li{margin:.6em 0}@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}code{background:#333}}'

/** `expires`: seconds since 1970; undefined when nothing waits under this address. */
export function invitationPage(expires: number | undefined): string {
  const body =
    expires === undefined
      ? '<h1>This invitation is over</h1><p>It was withdrawn, its time has passed, or it never was. Ask whoever sent it for a new one.</p>'
      : `<h1>Somebody invites you to a private connection</h1>
<p>Who it is nobody has checked; you can, once you are connected. Opening this page has told them nothing and agreed to nothing.</p>
<ol>
<li>You have a Keystead wallet: copy the <strong>whole</strong> address of this page, with what follows <code>#</code>, and paste it
there, or type <code>keystead accept '&lt;address&gt;'</code>.</li>
<li>You have none yet: keep the address, get a wallet (<code>keystead init</code>, or the web wallet of somebody you trust), and come
back. The invitation waits for you here until <strong>${new Date(expires * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC</strong>.</li>
</ol>
<p>This page never asks for a password, a code or a key. If a page that looks like it does, leave it.</p>`
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex"><title>An invitation</title><style>${STYLE}</style></head><body>${body}</body></html>`
}
