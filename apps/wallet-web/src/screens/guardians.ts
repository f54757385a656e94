/** Managing keys for another owner (flow V20): who may act for you, and for whom you may. */
import type { GuardianCapability, GuardianView } from '@keystead/agent/edge'
import { isKeysteadError } from '@keystead/core'
import { card, choice, confirmed, field, form, h, swap } from '../dom.ts'
import type { Screen } from '../rooms.ts'
import type { Session } from '../session.ts'
import { checks, named } from './fields.ts'
import { MAY, standsAs } from './guardian-words.ts'
import { wardRow } from './wards.ts'

const DAY = 86_400
const ANYWAY = 'anyway'

export function guardiansScreen(session: Session): Screen {
  const { guardians } = session.agent
  const mine = h('ul', { class: 'list' })
  const wards = h('ul', { class: 'list' })
  const away = h('p', { class: 'maybe', role: 'status' })
  const ask = askForm(session, () => refresh())
  const element = h(
    'div',
    {},
    card(
      'Who may act for you',
      h(
        'p',
        {},
        'A guardian does what you say, until a date, and you end it at any time. Others see that there is one.',
      ),
      away,
      mine,
      ask.element,
      ask.said,
    ),
    card(
      'For whom you may act',
      h('p', { class: 'soft' }, 'Whoever asks you to be their guardian waits under “Decide”.'),
      wards,
    ),
  )
  let shown = ''
  const refresh = async (): Promise<void> => {
    ask.offer(named((await session.agent.contacts()).filter(({ status }) => status === 'connected')))
    try {
      const now = [await guardians.list(), await guardians.wards()] as const
      away.textContent = ''
      const key = JSON.stringify(now)
      // What a person is at stays.
      if (
        key === shown ||
        element.querySelector('.list .warning, .list .error') ||
        wards.querySelector('details[open]')
      )
        return
      shown = key
      swap(mine, ...orNobody(now[0].map((one) => guardianRow(session, one, refresh))))
      swap(wards, ...orNobody(now[1].map((one) => wardRow(session, one))))
    } catch (error) {
      if (!isKeysteadError(error)) throw error
      away.textContent = `What the ledger says of this is not known now: ${error.message}`
    }
  }
  return { element, refresh }
}

const orNobody = (rows: readonly HTMLElement[]): readonly HTMLElement[] =>
  rows.length > 0 ? rows : [h('li', { class: 'soft' }, 'Nobody.')]

function guardianRow({ agent }: Session, guardian: GuardianView, refresh: () => Promise<void>): HTMLElement {
  const { relationship, label, can } = guardian
  const end = async (): Promise<void> => {
    await agent.guardians.remove(relationship)
    await agent.sync()
    await refresh()
  }
  return h(
    'li',
    { 'data-guardian': label },
    h('div', { class: 'row' }, h('strong', {}, label), h('span', { class: 'soft' }, standsAs(guardian))),
    h('p', { class: 'soft' }, `May ${can.map((one) => MAY[one]).join('; ')}`),
    confirmed('End it', `${label} may do nothing for you any more.`, `${label} is my guardian no more`, end, label),
  )
}

function askForm({ agent }: Session, refresh: () => Promise<void>) {
  const contact = choice('Whom do you ask')
  const may = checks(
    (['GUARDIAN', 'SUSPEND', 'UPDATE_SERVICE', 'ROTATE'] as const).map((value) => ({ value, text: MAY[value] })),
    ['GUARDIAN', 'SUSPEND'],
  )
  const anyway = checks([
    { value: ANYWAY, text: 'I know that whoever changes keys could pass for me, alone, until I rotate' },
  ])
  const days = field('For how many days', { type: 'number', min: '1', max: '3650', required: true, value: '365' })
  const said = h('div', { class: 'good', role: 'status' })
  const element = form(
    'Ask them',
    [contact.row, h('fieldset', {}, h('legend', {}, 'They may'), ...may.rows, ...anyway.rows), days.row],
    async () => {
      const gives = await agent.guardians.add(contact.select.value, {
        can: may.read() as GuardianCapability[],
        seconds: Number(days.input.value) * DAY,
        anyway: anyway.read().length > 0,
      })
      const asked = 'They are asked. It counts once they agree.'
      said.replaceChildren(...[...gives, asked].map((text) => h('p', {}, text)))
      await refresh()
    },
  )
  return { element, said, offer: contact.offer }
}
