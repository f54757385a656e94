/** Stopping the recovery of somebody else's wallet that is not by them: as their contact, or with their kit (rule 27). */
import { parseKit } from '@keystead/recovery'
import { card, choice, form, h, time } from '../dom.ts'
import type { Screen } from '../rooms.ts'
import { scanArea } from '../scan.ts'
import type { Session } from '../session.ts'
import { named } from './fields.ts'

export function objectingCard({ agent }: Session): Screen {
  const whose = choice('Whose wallet')
  const kit = scanArea('The kit: scan its QR code, or paste it')
  const done = h('p', { class: 'good', role: 'status' })
  const element = card(
    'Somebody pretends to be a contact of yours?',
    h(
      'p',
      {},
      'If you doubt that it is them who recovers their wallet, make it wait three days longer. You can do that once; then call them on a number you know.',
    ),
    form('Make it wait', [whose.row], async () => {
      const { until } = await agent.recovery.objectTo(whose.select.value)
      done.textContent = `Nothing is released to whoever recovers before ${time(until)}.`
    }),
    h(
      'details',
      {},
      h('summary', {}, 'With the kit of whoever has no device any more'),
      form('Stop it with the kit', [kit.row], async () => {
        const { until } = await agent.recovery.vetoWithKit(parseKit(kit.input.value))
        kit.input.value = ''
        done.textContent = `The agencies release nothing of this kit’s wallet before ${time(until)}. This can be done twice.`
      }),
    ),
    done,
  )
  const refresh = async (): Promise<void> => {
    const contacts = (await agent.contacts()).filter(({ status }) => status === 'connected')
    whose.offer(named(contacts))
  }
  return { element, refresh }
}
