/** Changing who helps (flow V15): everything is dealt anew, so there is a new kit. */
import type { RecoveryStatus, Relationship } from '@keystead/agent/edge'
import type { Kit } from '@keystead/recovery'
import { action, card, field, form, h } from '../dom.ts'
import type { Session } from '../session.ts'
import { checks, named } from './fields.ts'

interface Parts {
  readonly status: RecoveryStatus
  readonly contacts: readonly Relationship[]
  readonly deal: (kit: Kit) => void
  readonly refresh: () => Promise<void>
}

export function changing({ agent }: Session, { status, contacts, deal, refresh }: Parts): HTMLElement {
  if (status.change)
    return card(
      'Your change waits',
      h('p', {}, 'The set-up before counts until enough have confirmed: keep its kit.'),
      action('Give the change up', async () => {
        await agent.recovery.cancelChange()
        await refresh()
      }),
    )
  const before = new Set(status.contacts.map(({ id }) => id))
  const helpers = contacts.filter(({ id }) => before.has(id)).map(({ id }) => id)
  const people = checks(named(contacts), helpers)
  const pin = field('Your PIN, or a new one', {
    type: 'password',
    required: true,
    inputmode: 'numeric',
    autocomplete: 'off',
  })
  const hasPin = status.policy?.groups.E !== undefined
  return card(
    'Change who helps',
    h(
      'p',
      {},
      'Everything is dealt anew: there is a new kit to print, and the people are asked again. Until enough of them agree, what you have counts.',
    ),
    form(
      'Deal anew, and show me the new kit',
      [h('fieldset', {}, h('legend', {}, 'People who help'), ...people.rows), ...(hasPin ? [pin.row] : [])],
      async () => {
        const chosen = people.read()
        const kit = await agent.recovery.change({
          contacts: {
            add: chosen.filter((id) => !helpers.includes(id)),
            remove: helpers.filter((id) => !chosen.includes(id)),
          },
          ...(hasPin ? { pin: pin.input.value } : {}),
        })
        deal(kit)
      },
    ),
  )
}
