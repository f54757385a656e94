/** Lines of text with a contact, and files with them: what was said on any of your devices is here, also without a network. */
import type { Progress } from '@keystead/agent/edge'
import { card, choice, field, form, h, time } from '../dom.ts'
import type { Screen } from '../rooms.ts'
import type { Session } from '../session.ts'
import { attachedList, broughtSoFar, filePicker } from './attached.ts'
import { named } from './fields.ts'

/** How many of the newest are shown. */
const SHOWN = 100

export function messagesScreen({ agent }: Session): Screen {
  const whom = choice('With whom')
  const list = h('ul', { class: 'list' })
  const line = field('Your message', { required: true, maxlength: '2000' })
  const files = filePicker()
  const brought = h('p', { class: 'soft', role: 'status' })
  // Files may go without a word.
  files.input.addEventListener('change', () => {
    line.input.required = files.chosen().length === 0
  })
  const send = form('Send', [line.row, files.row, brought], async () => {
    const onProgress = (progress: Progress): void => {
      brought.textContent = broughtSoFar(progress)
    }
    try {
      await agent.sendText(whom.select.value, line.input.value, { attach: files.chosen(), onProgress })
    } finally {
      brought.textContent = ''
    }
    line.input.value = ''
    files.input.value = ''
    line.input.required = true
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
        ? lines.map(({ from, text, at, attachments }) =>
            h(
              'li',
              { class: from },
              text !== '' && h('p', {}, text),
              attachments && attachedList(agent, attachments),
              h('p', { class: 'soft' }, `${from === 'me' ? 'You' : 'They'}, ${time(at)}`),
            ),
          )
        : [h('li', { class: 'soft' }, 'Nothing yet.')]),
    )
  }
  return { element: card('Messages', whom.row, talk), refresh }
}
