/** Somebody recovers this wallet on another device: said in every room, with the way to stop it (rule 27). */
import { confirmed, h, time } from '../dom.ts'
import type { Screen } from '../rooms.ts'
import type { Session } from '../session.ts'

export function alarm({ agent }: Session): Screen {
  const element = h('div', { role: 'alert' })
  const stopped = h('p', { class: 'good' })
  let shown = ''
  const refresh = async (): Promise<void> => {
    const alerts = [...(await agent.identities()), ...(await agent.contacts())].flatMap(({ alert }) => alert ?? [])
    const until = Math.min(...alerts.map((alert) => alert.until))
    const key = alerts.length === 0 ? '' : String(until)
    if (key === shown) return
    shown = key
    if (alerts.length === 0) return element.replaceChildren(...(stopped.textContent ? [stopped] : []))
    stopped.textContent = ''
    element.replaceChildren(
      h(
        'section',
        { class: 'card warning' },
        h('h2', {}, 'Somebody recovers your wallet on a new device'),
        h(
          'p',
          {},
          `If it is you, do nothing. If not, stop it before ${time(until)}: they have your kit, your PIN or your contacts’ help.`,
        ),
        confirmed(
          'It is not me: stop it',
          'Your DID and your relationships stay yours, with new keys. Then ask your contacts who called them, and set recovery up again.',
          'Stop the recovery',
          async () => {
            const { identities, relationships } = await agent.recovery.veto()
            stopped.textContent = `Stopped: ${identities} DID(s) and ${relationships} relationship(s) stay yours. Set recovery up again now.`
            await agent.sync()
          },
        ),
      ),
    )
  }
  return { element, refresh }
}
