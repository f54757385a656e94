/** People: invite, accept, see whom you know, have them prove their keys. */
import type { Relationship } from '@keystead/agent/edge'
import { encodeQR } from 'qr'
import { action, card, field, form, h, shorten, time } from '../dom.ts'
import type { Screen } from '../main.ts'
import type { Session } from '../session.ts'

export function peopleScreen(session: Session): Screen {
  const list = h('ul', { class: 'list' })
  const element = h('div', {}, card('Contacts', list), inviteCard(session), acceptCard(session))
  let shown = ''
  const refresh = async (): Promise<void> => {
    const contacts = (await session.agent.contacts()).filter(
      ({ status }) => status === 'connected' || status === 'requested',
    )
    const key = JSON.stringify(
      contacts.map(({ id, status, verified, peer }) => [id, status, verified, peer?.state.now.seq]),
    )
    if (key === shown) return
    shown = key
    list.replaceChildren(
      ...(contacts.length > 0
        ? contacts.map((contact) => row(session, contact))
        : [h('li', { class: 'soft' }, 'Nobody yet.')]),
    )
  }
  return { element, refresh }
}

function row({ agent }: Session, { id, label, status, verified, mine }: Relationship): HTMLElement {
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
    status === 'connected' && action('Verify keys now', verify),
    result,
  )
}

function inviteCard({ agent }: Session): HTMLElement {
  const place = h('div', { 'data-testid': 'invitation' })
  const invite = async (): Promise<void> => {
    const { did } = await agent.publicIdentity()
    const base = new URL(location.pathname, location.origin).toString()
    const { url } = await agent.invite(base, { tell: did })
    const copied = h('span', { class: 'soft', role: 'status' })
    const copy = async (): Promise<void> => {
      await navigator.clipboard.writeText(url)
      copied.textContent = ' Copied.'
    }
    place.replaceChildren(
      h('p', {}, 'For one person, good for a day. They scan it, or open the link.'),
      qr(url),
      action('Copy the link', copy),
      copied,
      h('details', {}, h('summary', {}, 'The link in full'), h('code', { 'data-testid': 'link' }, url)),
    )
  }
  return card(
    'Invite somebody',
    h('p', { class: 'soft' }, 'They learn your name and your public DID.'),
    action('Make an invitation', invite, ''),
    place,
  )
}

function acceptCard({ agent }: Session): HTMLElement {
  const link = field('Link of the invitation', { required: true, type: 'url' })
  const opened = new URL(location.href)
  if (opened.searchParams.has('_oob')) link.input.value = opened.toString()
  const done = h('p', { class: 'soft', role: 'status' })
  return card(
    'Accept an invitation',
    form('Connect', [link.row], async () => {
      const { did } = await agent.publicIdentity()
      const { label } = await agent.accept(link.input.value, { tell: did })
      link.input.value = ''
      history.replaceState(null, '', `${location.pathname}#people`)
      done.textContent = `Asked ${label || 'them'}. They appear among your contacts when they answer.`
    }),
    done,
  )
}

function qr(text: string): HTMLElement {
  const image = h('img', { class: 'qr', alt: 'QR code of the invitation' })
  image.src = `data:image/svg+xml,${encodeURIComponent(encodeQR(text, 'svg', { ecc: 'low', border: 2 }))}`
  return image
}
