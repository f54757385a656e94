/** Before a wallet is open: make one, or unlock the one of this browser. */
import { action, card, field, form, h } from '../dom.ts'

export interface DoorActions {
  create(label: string, passphrase: string): Promise<void>
  unlock(passphrase: string): Promise<void>
  /** Undefined where no passkey opens this wallet. */
  readonly unlockWithPasskey: (() => Promise<void>) | undefined
}

export function door(known: string | undefined, actions: DoorActions): HTMLElement {
  return h(
    'main',
    {},
    h('header', {}, h('h1', {}, 'Keystead')),
    known === undefined ? create(actions) : unlock(known, actions),
  )
}

function create({ create }: DoorActions): HTMLElement {
  const label = field('What others see as your name', { required: true, maxlength: '64', autocomplete: 'nickname' })
  const one = field('Passphrase', { type: 'password', required: true, minlength: '8', autocomplete: 'new-password' })
  const two = field('The same again', { type: 'password', required: true, autocomplete: 'new-password' })
  const rows = [label.row, one.row, two.row]
  return card(
    'Make a wallet in this browser',
    h(
      'p',
      { class: 'soft' },
      'Your keys are made here and never leave. The agency keeps encrypted messages and sealed backups for you; it can open neither.',
    ),
    form('Make my wallet', rows, async () => {
      if (one.input.value !== two.input.value) throw new Error('the two passphrases differ')
      await create(label.input.value.trim(), one.input.value)
    }),
    h(
      'p',
      { class: 'soft' },
      'Whoever serves this page could read what you type into it: use one that you, or people you trust, serve.',
    ),
  )
}

function unlock(known: string, { unlock, unlockWithPasskey }: DoorActions): HTMLElement {
  const passphrase = field('Passphrase', { type: 'password', required: true, autocomplete: 'current-password' })
  return card(
    `Unlock the wallet of ${known}`,
    form('Unlock', [passphrase.row], () => unlock(passphrase.input.value)),
    ...(unlockWithPasskey ? [action('Unlock with a passkey', unlockWithPasskey)] : []),
  )
}
