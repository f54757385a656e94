/** Helping a contact who has lost everything: their link, then the code they tell by voice (flow V17). */
import { isKeysteadError } from '@keystead/core'
import { action, card, choice, field, form, h, swap, takesLink } from '../dom.ts'
import type { Screen } from '../rooms.ts'
import type { Session } from '../session.ts'
import { checks, named } from './fields.ts'

export function helpCard({ agent }: Session): Screen {
  const link = field('The link they gave you', { required: true, type: 'url' })
  const take = takesLink('_help', link.input)
  const owner = choice('Who asked you: their link does not say')
  const unnamed = h('div', { hidden: true }, owner.row)
  owner.select.required = false
  const open = h('div', {})
  const done = h('p', { class: 'good', role: 'status' })
  const element = card(
    'Help somebody recover',
    form('Open', [link.row, unnamed], async () => {
      await agent.recovery.help(link.input.value, owner.select.value || undefined).catch((error: unknown) => {
        if (isKeysteadError(error, 'OWNER_UNKNOWN')) unnamed.hidden = false
        throw error
      })
      link.input.value = owner.select.value = ''
      unnamed.hidden = true
      done.textContent = ''
      history.replaceState(null, '', `${location.pathname}#decide`)
      await refresh()
    }),
    open,
    done,
  )
  let shown = ''
  const refresh = async (): Promise<void> => {
    take()
    const contacts = (await agent.contacts()).filter(({ status }) => status === 'connected')
    owner.offer(named(contacts))
    const helping = (await agent.recovery.openHelping()).at(-1)
    const key = `${helping?.session}${helping?.ceremony.state}`
    if (key === shown) return
    shown = key
    if (!helping) return swap(open)
    const { session } = helping
    const { label } = await agent.contact(helping.relationship)
    if (helping.ceremony.state !== 'revealed')
      return swap(open, h('p', { class: 'soft' }, `Waiting for the new device of ${label} …`))
    const met = checks([{ value: 'met', text: `I have ${label} before me, in person` }])
    const code = field(`The code that ${label} tells you`, { required: true, inputmode: 'numeric' })
    swap(
      open,
      h('p', {}, `Call ${label} on a number you know, and see that it is them. Do not take the code from a message.`),
      form('Hand over my share', [code.row, ...(helping.meeting === undefined ? [] : met.rows)], async () => {
        try {
          await agent.recovery.typeCode(session, code.input.value, { inPerson: met.read().length > 0 })
        } catch (error) {
          if (isKeysteadError(error, 'CODE_MISMATCH')) code.input.value = ''
          throw error
        }
        done.textContent = `Your share is on its way to the new device of ${label}.`
      }),
      action('Refuse', () => agent.recovery.refuseHelp(session)),
    )
  }
  return { element, refresh }
}
