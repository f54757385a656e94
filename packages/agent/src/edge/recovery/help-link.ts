/**
 * The link by which a new device asks for help (RECOVERY-12): short where its agency keeps what the link says, sealed as an
 * invitation is (AGENCY-17); with all of it in the link where there is nobody who keeps it.
 */
import { base64url, isKeysteadError } from '@keystead/core'
import { type HelpInvitation, helpUrl, parseHelpUrl } from '../../protocols/recovery/messages.ts'
import { type Edge, randomId } from '../context.ts'
import { expand, pageLink } from '../short-link.ts'

export async function helpLink(edge: Edge, page: string, invitation: HelpInvitation): Promise<string> {
  const long = helpUrl(page, invitation)
  const message = base64url.decode(new URL(long).searchParams.get('_help') ?? '')
  try {
    return await pageLink(edge, page, { kind: '_help', id: randomId(edge), expires: invitation.expires, message })
  } catch (error) {
    // An agency that is away, or keeps none, is no reason not to ask for help.
    if (isKeysteadError(error)) return long
    throw error
  }
}

/** What it says, and itself with all of that in it. Rejects as `expand` does. */
export async function readHelpLink(edge: Edge, text: string): Promise<{ invitation: HelpInvitation; long: string }> {
  const long = await expand(edge, text, '_help')
  return { invitation: parseHelpUrl(long), long }
}
