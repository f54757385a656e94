/** What waits for a decision of the person, in words; nothing happens without one. */
import { action, card, h, swap, time } from '../dom.ts'
import type { Screen } from '../rooms.ts'
import type { Session } from '../session.ts'
import { helpCard } from './help.ts'
import { objectingCard } from './objecting.ts'

export function requestsScreen(session: Session): Screen {
  const { agent } = session
  const help = helpCard(session)
  const objecting = objectingCard(session)
  const list = h('ul', { class: 'list' })
  let shown = ''
  const refresh = async (): Promise<void> => {
    await help.refresh()
    await objecting.refresh()
    const requests = await agent.requests()
    const key = requests.map(({ id }) => id).join() || 'none'
    if (key === shown) return
    shown = key
    swap(
      list,
      ...(requests.length > 0
        ? requests.map(({ id, summary, received }) =>
            h(
              'li',
              {},
              h('p', {}, summary),
              h('p', { class: 'soft' }, time(received)),
              h(
                'div',
                { class: 'row' },
                action('Approve', () => agent.approve(id).then(refresh), '', summary),
                action('Decline', () => agent.decline(id).then(refresh), 'plain', summary),
              ),
            ),
          )
        : [h('li', { class: 'soft' }, 'Nothing waits.')]),
    )
  }
  const element = h('div', {}, card('Waiting for you', list), help.element, objecting.element)
  return { element, refresh }
}
