/** A way out of a wallet that was never finished. */
import { confirmed, h } from '../dom.ts'
import type { Session } from '../session.ts'

export function discard(session: Session, text: string, leave: () => Promise<void>): HTMLElement {
  return h(
    'p',
    { class: 'soft' },
    confirmed(text, 'Nothing is in this wallet yet, so nothing is lost. Throw it away?', 'Throw it away', async () => {
      await session.discard()
      await leave()
    }),
  )
}
