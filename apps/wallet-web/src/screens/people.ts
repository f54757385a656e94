/** People: invite, accept, see whom you know, have them prove their keys. */
import type { Relationship } from '@keystead/agent/edge'
import { isKeysteadError } from '@keystead/core'
import { action, card, field, form, h, shorten, swap, takesLink, time } from '../dom.ts'
import { link } from '../qr.ts'
import type { Screen } from '../rooms.ts'
import { page, type Session } from '../session.ts'

export function peopleScreen(session: Session): Screen {
  const list = h('ul', { class: 'list' })
  const accepting = acceptCard(session)
  const element = h(
    'div',
    {},
    card('Contacts', list, h('p', {}, h('a', { href: '#messages' }, 'Messages'))),
    inviteCard(session),
    accepting.element,
  )
  let shown = ''
  const refresh = async (): Promise<void> => {
    accepting.take()
    const contacts = (await session.agent.contacts()).filter(
      ({ status }) => status === 'connected' || status === 'requested',
    )
    const key = JSON.stringify(
      contacts.map(({ id, status, joining, verified, peer }) => [id, status, joining, verified, peer?.state.now.seq]),
    )
    if (key === shown) return
    shown = key
    swap(
      list,
      ...(contacts.length > 0
        ? contacts.map((contact) => row(session, contact))
        : [h('li', { class: 'soft' }, 'Nobody yet.')]),
    )
  }
  return { element, refresh }
}

function row({ agent }: Session, { id, label, status, joining, verified, mine }: Relationship): HTMLElement {
  const result = h('p', { class: 'soft', role: 'status' })
  const verify = async (): Promise<void> => {
    result.className = 'soft'
    result.textContent = 'Asked; waiting for the answer …'
    try {
      const verdict = await agent.verify(id, { seconds: 30 })
      result.className = verdict.result === 'proven' ? 'good' : 'bad'
      result.textContent =
        verdict.result === 'proven'
          ? `Holds ${verdict.kids.length} key(s) now.`
          : `Not proven: ${verdict.reason.replaceAll('-', ' ')}.`
    } catch (error) {
      result.textContent = ''
      throw error
    }
  }
  return h(
    'li',
    { 'data-contact': label },
    h(
      'div',
      { class: 'row' },
      h('strong', {}, label || 'unnamed'),
      h(
        'span',
        { class: verified ? 'good' : 'soft' },
        status === 'connected'
          ? verified
            ? `keys proven ${time(verified.at)}`
            : 'keys not proven yet'
          : 'asked, not answered yet',
      ),
    ),
    h(
      'p',
      { class: 'soft' },
      'Your relationship: ',
      h('code', { title: mine.state.rel }, shorten(mine.state.rel) || '…'),
    ),
    joining && h('p', { class: 'maybe' }, 'This device is on its way in: another one of yours has to be on for that.'),
    status === 'connected' && action('Verify keys now', verify, 'plain', label),
    result,
  )
}

function inviteCard({ agent }: Session): HTMLElement {
  const place = h('div', { 'data-testid': 'invitation', role: 'status' })
  const invite = async (): Promise<void> => {
    const { did } = await agent.publicIdentity()
    const { url: long } = await agent.invite(page(), { tell: did })
    // An agency that is away, or keeps none, is no reason not to invite.
    const url = await agent.shortenForPage(long).catch((error: unknown) => {
      if (isKeysteadError(error)) return long
      throw error
    })
    place.replaceChildren(
      h('p', {}, 'For one person, good for a day. They scan it, or open the link.'),
      link(url, 'QR code of the invitation'),
    )
  }
  return card(
    'Invite somebody',
    h('p', { class: 'soft' }, 'They learn your name and your public DID.'),
    action('Make an invitation', invite, ''),
    place,
  )
}

function acceptCard({ agent }: Session): { element: HTMLElement; take: () => void } {
  const asked = field('Link of the invitation', { required: true, type: 'url' })
  const take = takesLink('_oob', asked.input)
  const done = h('p', { class: 'soft', role: 'status' })
  const element = card(
    'Accept an invitation',
    form('Connect', [asked.row], async () => {
      const { did } = await agent.publicIdentity()
      const { label } = await agent.accept(asked.input.value, { tell: did })
      asked.input.value = ''
      history.replaceState(null, '', `${location.pathname}#people`)
      done.textContent = `Asked ${label || 'them'}. They appear among your contacts when they answer.`
    }),
    done,
  )
  return { element, take }
}
