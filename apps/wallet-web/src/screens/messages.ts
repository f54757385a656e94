/** Lines of text with a contact: what was said on any of your devices is here, also without a network. */
import { card, choice, field, form, h, time } from '../dom.ts'
import type { Screen } from '../rooms.ts'
import type { Session } from '../session.ts'
import { named } from './fields.ts'

/** How many of the newest are shown. */
const SHOWN = 100

export function messagesScreen({ agent }: Session): Screen {
  const whom = choice('With whom')
  const list = h('ul', { class: 'list' })
  const line = field('Your message', { required: true, maxlength: '2000' })
  const send = form('Send', [line.row], async () => {
    await agent.sendText(whom.select.value, line.input.value)
    line.input.value = ''
    await refresh()
  })
  const talk = h('div', { hidden: true }, h('div', { role: 'log', 'aria-label': 'Messages' }, list), send)
  whom.select.addEventListener('change', () => void refresh())
  let shown = ''
  const refresh = async (): Promise<void> => {
    whom.offer(named((await agent.contacts()).filter(({ status }) => status === 'connected')))
    const id = whom.select.value
    talk.hidden = id === ''
    const lines = id === '' ? [] : (await agent.texts(id)).slice(-SHOWN)
    const key = JSON.stringify([id, lines])
    if (key === shown) return
    shown = key
    list.replaceChildren(
      ...(lines.length > 0
        ? lines.map(({ from, text, at }) =>
            h(
              'li',
              { class: from },
              h('p', {}, text),
              h('p', { class: 'soft' }, `${from === 'me' ? 'You' : 'They'}, ${time(at)}`),
            ),
          )
        : [h('li', { class: 'soft' }, 'Nothing yet.')]),
    )
  }
  return { element: card('Messages', whom.row, talk), refresh }
}
