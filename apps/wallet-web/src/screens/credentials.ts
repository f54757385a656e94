/** Credentials: what you hold, what you asked others to show, and issuing your own. */
import { parseCredential, type Verdict } from '@keystead/credentials'
import { action, card, choice, field, form, h, shorten, swap, time } from '../dom.ts'
import type { Screen } from '../rooms.ts'
import type { Session } from '../session.ts'
import { named } from './fields.ts'

export function credentialsScreen(session: Session): Screen {
  const held = h('ul', { class: 'list' })
  const asked = h('ul', { class: 'list' })
  const issued = h('ul', { class: 'list' })
  const ask = askForm(session)
  const issue = issueForm(session)
  const element = h(
    'div',
    {},
    card('You hold', held),
    card('You asked to see', asked, ask.element),
    card('You issued', issued, issue.element),
  )
  const refresh = async (): Promise<void> => {
    const [mine, shown, given] = [
      await session.agent.credentials(),
      await session.agent.presentations(),
      await session.agent.issued(),
    ]
    const contacts = await session.agent.contacts()
    const labels = new Map(contacts.map(({ id, label }) => [id, label]))
    const connected = contacts.filter(({ status }) => status === 'connected')
    for (const { offer } of [ask, issue]) offer(named(connected))
    fill(
      held,
      mine.map(({ id, credential, received }) => [id, () => heldRow(credential, received)]),
    )
    fill(
      asked,
      shown.map(({ id, relationship, request, at }) => [
        `${id}${at}`,
        () => askedRow(session, id, labels.get(relationship) ?? 'gone', String(request['credentialType']), at),
      ]),
    )
    fill(
      issued,
      given.map(({ id, type, relationship, credential, revokedAt }) => [
        `${id}${revokedAt}${credential !== undefined}`,
        () =>
          issuedRow(session, {
            id,
            type,
            label: labels.get(relationship) ?? 'gone',
            signed: credential !== undefined,
            revokedAt,
          }),
      ]),
    )
  }
  return { element, refresh }
}

/** Rows that are there already stay as they are: what they show is not lost. */
function fill(list: HTMLUListElement, rows: readonly (readonly [string, () => HTMLElement])[]): void {
  const before = new Map([...list.children].map((child) => [child.getAttribute('data-key'), child]))
  const after = rows.map(([key, make]) => {
    const row = before.get(key) ?? make()
    row.setAttribute('data-key', key)
    return row
  })
  if (after.length === 0)
    after.push(before.get('none') ?? h('li', { class: 'soft', 'data-key': 'none' }, 'Nothing yet.'))
  const same = after.length === list.children.length && after.every((row, i) => row === list.children[i])
  if (!same) swap(list, ...after)
}

function heldRow(document: Parameters<typeof parseCredential>[0], received: number): HTMLElement {
  const { types, issuer, document: parsed } = parseCredential(document)
  const { id: _, ...claims } = (parsed['credentialSubject'] ?? {}) as Record<string, unknown>
  const text = Object.entries(claims).map(([name, value]) => `${name}: ${String(value)}`)
  return h(
    'li',
    { 'data-credential': types.at(-1) },
    h(
      'div',
      { class: 'row' },
      h('strong', {}, types.at(-1) ?? 'credential'),
      h('span', { class: 'soft' }, time(received)),
    ),
    h('p', {}, text.join(', ')),
    h('p', { class: 'soft' }, 'from ', h('code', { title: issuer }, shorten(issuer))),
  )
}

function askedRow({ agent }: Session, id: string, label: string, type: string, at: number | undefined): HTMLElement {
  const place = h('div', { 'data-testid': 'verdict', role: 'status' })
  const judge = async (): Promise<void> => place.replaceChildren(verdictView(await agent.recheck(id)))
  return h(
    'li',
    { 'data-asked': type },
    h(
      'div',
      { class: 'row' },
      h('strong', {}, `${type} of ${label}`),
      h('span', { class: 'soft' }, at === undefined ? 'not shown yet' : time(at)),
    ),
    at !== undefined && action('Check it now', judge, 'plain', `${type} of ${label}`),
    place,
  )
}

const MARK = { valid: '✓', invalid: '✗', undetermined: '?' } as const
const CLASS = { valid: 'good', invalid: 'bad', undetermined: 'maybe' } as const

function verdictView(verdict: Verdict & { credentials?: readonly Verdict[] }): HTMLElement {
  const lines = [...verdict.checks, ...(verdict.credentials ?? []).flatMap(({ checks }) => checks)]
  return h(
    'div',
    {},
    h(
      'p',
      { class: CLASS[verdict.outcome] },
      h('strong', {}, verdict.outcome.toUpperCase()),
      verdict.level ? ` — ledger proof: ${verdict.level}` : '',
    ),
    h(
      'ul',
      { class: 'checks' },
      ...lines.map(({ outcome, text }) => h('li', { class: CLASS[outcome] }, `${MARK[outcome]} ${text}`)),
    ),
  )
}

function issuedRow(
  { agent }: Session,
  issued: { id: string; type: string; label: string; signed: boolean; revokedAt: number | undefined },
): HTMLElement {
  const { id, type, label, signed, revokedAt } = issued
  const state = revokedAt !== undefined ? `revoked ${time(revokedAt)}` : signed ? 'signed and anchored' : 'offered'
  return h(
    'li',
    { 'data-issued': type },
    h('div', { class: 'row' }, h('strong', {}, `${type} to ${label}`), h('span', { class: 'soft' }, state)),
    signed && revokedAt === undefined && action('Revoke', () => agent.revoke(id), 'plain', `${type} to ${label}`),
  )
}

interface ContactForm {
  readonly element: HTMLElement
  readonly offer: ReturnType<typeof choice>['offer']
}

function askForm({ agent }: Session): ContactForm {
  const contact = choice('Ask whom')
  const type = field('For which credential', { required: true })
  const element = form('Ask', [contact.row, type.row], async () => {
    await agent.askFor(contact.select.value, { type: type.input.value, domain: location.host })
    type.input.value = ''
  })
  return { element, offer: contact.offer }
}

function issueForm({ agent }: Session): ContactForm {
  const contact = choice('To whom')
  const type = field('Type, such as MemberCard', { required: true, pattern: '[A-Za-z][A-Za-z0-9]*' })
  const claims = field('Claims, such as level=gold, since=2026', { required: true })
  const element = form('Offer', [contact.row, type.row, claims.row], async () => {
    const pairs = claims.input.value.split(',').map((claim) => {
      const [name = '', ...rest] = claim.split('=')
      return [name.trim(), rest.join('=').trim()] as const
    })
    await agent.offer(contact.select.value, type.input.value, Object.fromEntries(pairs))
    claims.input.value = ''
  })
  return { element, offer: contact.offer }
}
