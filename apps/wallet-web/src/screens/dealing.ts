/** Setting recovery up (flows V13, V14): contacts, a PIN, or both, beside the kit. */

import type { Relationship } from '@keystead/agent/edge'
import { systemRandom } from '@keystead/core'
import { generatePin, type Kit } from '@keystead/recovery'
import { action, card, choice, duration, field, form, h } from '../dom.ts'
import type { Session } from '../session.ts'
import { addresses, checks, named } from './fields.ts'
import { WAYS } from './ways.ts'

interface Parts {
  readonly contacts: readonly Relationship[]
  readonly deal: (kit: Kit) => void
  /** Agencies for the PIN that this page's server names. */
  readonly suggested: readonly string[]
}

export function dealing({ agent }: Session, { contacts, deal, suggested }: Parts): HTMLElement {
  const people = checks(named(contacts))
  const needed = choice('How many of them are needed')
  needed.offer(['2', '3', '4', '5'].map((value) => ({ value, text: value })))
  needed.select.value = '2'
  needed.select.required = false
  const pin = pinFields(suggested)
  const overrule = checks([
    {
      value: 'overrule',
      text: 'If a thief with my device objects to my recovery, people who meet me in person overrule that',
    },
  ])
  const place = field('Another agency that keeps a copy of your backup, if you know one', { type: 'url' })
  const waits = (['P+S', 'E+S', 'E+P'] as const).map(
    (path) => `${duration(agent.recovery.defaultDelay(path))} with ${WAYS[path]}`,
  )
  const delay = h(
    'p',
    { class: 'soft' },
    `Whoever recovers has your data at once, and acts for you only after a time in which you can object: ${waits.join(', ')}.`,
  )
  return card(
    'Be ready to lose this device',
    h(
      'p',
      {},
      'Two of three bring you back: people who keep a share each, a printed kit, and a PIN. One of them alone opens nothing, also not for a thief.',
    ),
    form(
      'Set it up, and show me the kit',
      [
        h(
          'fieldset',
          {},
          h('legend', {}, 'People who help: they learn that you chose them, not of each other'),
          ...(contacts.length > 0
            ? people.rows
            : [h('p', { class: 'soft' }, 'You have no contacts yet. Invite people first, or use a PIN.')]),
          needed.row,
        ),
        pin.element,
        h('details', {}, h('summary', {}, 'More'), place.row, ...overrule.rows),
        delay,
      ],
      async () => {
        const escrow = pin.read()
        const chosen = people.read()
        if (chosen.length === 0 && !escrow)
          throw new Error('A kit alone opens nothing: choose people, or a PIN, or both.')
        deal(
          await agent.recovery.setUp({
            contacts: chosen,
            threshold: Number(needed.select.value || 2),
            overrule: overrule.read().length > 0,
            ...(escrow ? { escrow } : {}),
            ...(place.input.value === '' ? {} : { holders: [new URL(place.input.value).origin] }),
          }),
        )
      },
    ),
  )
}

/** A new PIN, and the agencies that keep its parts. `known`: the ones that this page's server names. */
function pinFields(known: readonly string[]): {
  element: HTMLElement
  read: () => { pin: string; agencies: readonly string[] } | undefined
} {
  const one = field('PIN, at least six digits; empty for none', {
    type: 'password',
    inputmode: 'numeric',
    autocomplete: 'off',
  })
  const two = field('The same again', { type: 'password', inputmode: 'numeric', autocomplete: 'off' })
  const agencies = addresses('Agencies that keep it: at least three, of different operators, one a line', known)
  const suggested = h('p', { role: 'status' })
  const suggest = action('Suggest one', async () => {
    const pin = generatePin(systemRandom)
    one.input.value = two.input.value = pin
    suggested.replaceChildren('Remember this: ', h('strong', { class: 'mono' }, pin))
  })
  return {
    element: h('fieldset', {}, h('legend', {}, 'A PIN'), one.row, two.row, suggest, suggested, agencies.row),
    read: () => {
      if (one.input.value === '') return undefined
      if (one.input.value !== two.input.value) throw new Error('The two PINs differ.')
      return { pin: one.input.value, agencies: agencies.read() }
    },
  }
}
