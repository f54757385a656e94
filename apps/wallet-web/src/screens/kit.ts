/** The kit on the screen (flow V16): to print, then to be read back. It is kept nowhere: this is the only time it is shown. */
import { systemRandom } from '@keystead/core'
import { type Kit, kitLine, renderKit, wordsToAsk } from '@keystead/recovery'
import { action, card, confirmed, field, form, h } from '../dom.ts'
import { qr } from '../qr.ts'
import { scanArea } from '../scan.ts'
import type { Session } from '../session.ts'

/** `done`: it is put away, checked or not. */
export function kitCard({ agent }: Session, kit: Kit, done: () => void): HTMLElement {
  const [one, other] = wordsToAsk(kit, systemRandom)
  const words = [one, other].map((place) =>
    field(`Word ${place} on the paper`, { required: true, autocapitalize: 'none', spellcheck: 'false' }),
  )
  const file = URL.createObjectURL(new Blob([renderKit(kit)], { type: 'text/plain' }))
  const away = (): void => {
    URL.revokeObjectURL(file)
    done()
  }
  return h(
    'div',
    {},
    card(
      'Your recovery kit',
      h(
        'p',
        {},
        h('strong', {}, 'Print it now: it is shown this once and kept nowhere.'),
        ' Put the paper where you keep your passport. Whoever has it is half-way into your wallet.',
      ),
      action('Print the kit', async () => print(), ''),
      ' ',
      h('a', { href: file, download: 'keystead-kit.txt' }, 'Save it as a file, to print it elsewhere'),
      h(
        'div',
        { class: 'kit', 'data-testid': 'kit' },
        qr(kitLine(kit), 'QR code of the kit', 'medium'),
        h('pre', {}, renderKit(kit)),
      ),
    ),
    card(
      'Is it on paper?',
      h('p', {}, 'Read two words off the paper, not off this screen: a misprint shows now, and not when you need it.'),
      form(
        'This is what it says',
        words.map(({ row }) => row),
        async () => {
          await agent.recovery.checkKitWords(
            kit,
            [one, other],
            words.map(({ input }) => input.value),
          )
          away()
        },
      ),
      confirmed(
        'Later',
        'The kit is on no screen after this. Without the paper or the file you would have to set recovery up again.',
        'I have it; put it away',
        async () => away(),
      ),
    ),
  )
}

/** For a kit that was printed and never read back. */
export function kitReader({ agent }: Session, refresh: () => Promise<void>): HTMLElement {
  const text = scanArea('The kit: scan its QR code, or paste the file')
  return card(
    'Read your kit back',
    h('p', {}, 'See that the paper can be read, before you need it.'),
    form('Check it', [text.row], async () => {
      await agent.recovery.checkKit(text.input.value)
      text.input.value = ''
      await refresh()
    }),
  )
}
