/** On a device that has the wallet: take up the link of a new one, and let it in when its code is typed (DEVICE-4). */
import { isKeysteadError } from '@keystead/core'
import type { Capability } from '@keystead/did-dkms'
import { action, card, field, form, h, swap, takesLink } from '../dom.ts'
import type { Screen } from '../rooms.ts'
import { scanField } from '../scan.ts'
import type { Session } from '../session.ts'
import { USUAL, WORDS } from './capability-words.ts'

/** How long an entry on the ledger stands unless it is renewed: a year. */
const SECONDS = 365 * 86_400

export function approvingCard(session: Session): Screen {
  const { devices } = session.agent
  const body = h('div', {})
  const said = h('p', { class: 'good', role: 'status' })
  const element = card('Add a device', body, said)
  let shown = ''
  let take: () => void = () => {}
  const refresh = async (): Promise<void> => {
    take()
    const now = await devices.linking()
    const stands = now?.role === 'approver' && (now.state === 'approved' || now.expires > Date.now() / 1000)
    const open = stands ? now.state : undefined
    const ended = open === undefined || open === 'linked' || open === 'refused'
    const key = ended ? 'none' : `${open}`
    if (key === shown) return
    const may = open === 'revealed' ? (await devices.mayGrant()).capabilities : []
    const before = shown
    shown = key
    take = () => {}
    if (ended) {
      if (before === 'approved' && open === 'linked') said.textContent = `${now?.name} is one of your devices now.`
      const link = scanField('The link that the new device shows', { required: true, type: 'url' })
      take = takesLink('_link', link.input)
      return swap(body, ...ask(session, { link, said, refresh }))
    }
    said.textContent = ''
    const refuse = action('Refuse', async () => {
      await devices.refuseLink()
      await refresh()
    })
    if (open === 'revealed') swap(body, ...decide(session, { asks: now?.name ?? '', may, refresh }), refuse)
    else if (open === 'approved') swap(body, h('p', {}, `Letting ${now?.name} in …`))
    else swap(body, h('p', {}, `Waiting for “${now?.name}” to answer …`), refuse)
  }
  return { element, refresh }
}

interface Asked {
  readonly link: ReturnType<typeof scanField>
  readonly said: HTMLElement
  readonly refresh: () => Promise<void>
}

function ask({ agent }: Session, { link, said, refresh }: Asked): HTMLElement[] {
  return [
    h(
      'p',
      {},
      'On the new device choose “I have a wallet on another device”. It shows a QR code and a link. Nothing is given to it before you type its code here.',
    ),
    form('Look who asks', [link.row], async () => {
      said.textContent = ''
      await agent.devices.greet(link.input.value)
      history.replaceState(null, '', '#devices')
      await refresh()
    }),
  ]
}

interface Decision {
  readonly asks: string
  /** What this device may grant. */
  readonly may: readonly Capability[]
  readonly refresh: () => Promise<void>
}

function decide({ agent }: Session, { asks, may, refresh }: Decision): HTMLElement[] {
  const code = field('The code that the new device shows', {
    required: true,
    inputmode: 'numeric',
    autocomplete: 'off',
    maxlength: '11',
  })
  const name = field('What you call it', { required: true, maxlength: '64', value: asks })
  const boxes = may.map((capability) => ({ capability, box: box(capability) }))
  const rows = (usual: boolean): HTMLElement[] =>
    boxes.filter(({ capability }) => COMMON.includes(capability) === usual).map(({ box }) => box.row)
  return [
    h(
      'p',
      { class: 'warning', role: 'alert' },
      h('strong', {}, `“${asks}” asks to become a device of this wallet. `),
      'It will read what you are sent, speak for you to all your contacts, and see your credentials. Let it in only if you hold it in your hands, never for somebody who asks you to.',
    ),
    form(
      'Let it in',
      [
        code.row,
        name.row,
        h(
          'fieldset',
          {},
          h('legend', {}, 'For your DID it may'),
          ...rows(true),
          rows(false).length > 0 && h('details', {}, h('summary', {}, 'More'), ...rows(false)),
        ),
      ],
      async () => {
        const capabilities = boxes.flatMap(({ capability, box }) => (box.input.checked ? [capability] : []))
        try {
          await agent.devices.approveLink(code.input.value, {
            capabilities,
            seconds: SECONDS,
            name: name.input.value.trim(),
          })
        } catch (error) {
          if (isKeysteadError(error, 'CODE_MISMATCH')) code.input.value = ''
          else if (isKeysteadError(error, 'CEREMONY_REFUSED')) await refresh()
          throw error
        }
        await refresh()
        await agent.sync()
      },
    ),
  ]
}

const COMMON: readonly Capability[] = ['PROVE', 'SUSPEND', 'AUTHENTICATE', 'ADMIN']

function box(capability: Capability): { row: HTMLElement; input: HTMLInputElement } {
  const input = h('input', { type: 'checkbox', checked: USUAL.includes(capability) })
  return { input, row: h('label', { class: 'check' }, input, ` ${WORDS[capability]}`) }
}
