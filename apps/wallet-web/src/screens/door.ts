/** Before a wallet is open: make one, link one, recover one, or unlock the one of this browser. */
import type { Kit } from '@keystead/recovery'
import { action, card, field, form, h, openedLink } from '../dom.ts'
import { kitAndPin } from './recovering.ts'

export interface DoorActions {
  create(label: string, passphrase: string): Promise<void>
  link(device: string, passphrase: string): Promise<void>
  recover(kit: Kit | undefined, pin: string, passphrase: string): Promise<void>
  unlock(passphrase: string): Promise<void>
  /** Undefined where no passkey opens this wallet. */
  readonly unlockWithPasskey: (() => Promise<void>) | undefined
}

/** `known`: what the wallet in this browser is called, if there is one. */
export function door(known: string | undefined, actions: DoorActions): HTMLElement {
  return h(
    'main',
    {},
    h('header', {}, h('h1', {}, 'Keystead')),
    ...notice(known !== undefined),
    ...(known === undefined ? begin(actions) : [unlock(known, actions)]),
  )
}

/** What the link asks that this page was opened with. */
function notice(here: boolean): HTMLElement[] {
  const words = openedLink('_link')
    ? 'This link asks to let a new device into a wallet.'
    : openedLink('_help')
      ? 'This link asks you to help somebody recover their wallet.'
      : openedLink('_oob')
        ? 'This link is an invitation to connect.'
        : undefined
  if (words === undefined) return []
  const then = here
    ? 'Unlock your wallet to look at it; opening it has done nothing yet.'
    : openedLink('_oob')
      ? 'Make a wallet to accept it; opening it has done nothing yet.'
      : 'It is of use only in a browser or program that has your wallet: copy it there. Opening it has done nothing.'
  return [card('You opened a link', h('p', {}, `${words} ${then}`))]
}

/** One of the three ways in; which, stands in the address, so that "back" leads back. */
function begin(actions: DoorActions): HTMLElement[] {
  if (location.hash === '#link') return [link(actions), other('#', 'Make a new wallet instead')]
  if (location.hash === '#recover') return [recover(actions), other('#', 'Make a new wallet instead')]
  return [
    create(actions),
    card(
      'You have a wallet already?',
      h('p', {}, h('a', { href: '#link' }, 'I have a wallet on another device')),
      h('p', {}, h('a', { href: '#recover' }, 'I lost my devices, and recover my wallet')),
    ),
  ]
}

const other = (href: string, text: string): HTMLElement => h('p', {}, h('a', { href }, text))

/** Twice, because nobody can reset it. */
function newPassphrase(): { rows: Node[]; read: () => string } {
  const one = field('Passphrase', { type: 'password', required: true, minlength: '8', autocomplete: 'new-password' })
  const two = field('The same again', { type: 'password', required: true, autocomplete: 'new-password' })
  return {
    rows: [one.row, two.row],
    read: () => {
      if (one.input.value !== two.input.value) throw new Error('The two passphrases differ.')
      return one.input.value
    },
  }
}

function create({ create }: DoorActions): HTMLElement {
  const label = field('What others see as your name', { required: true, maxlength: '64', autocomplete: 'nickname' })
  const passphrase = newPassphrase()
  return card(
    'Make a wallet in this browser',
    h(
      'p',
      { class: 'soft' },
      'Your keys are made here and never leave. The agency keeps encrypted messages and sealed backups for you; it can open neither.',
    ),
    form('Make my wallet', [label.row, ...passphrase.rows], () => create(label.input.value.trim(), passphrase.read())),
    h(
      'p',
      { class: 'soft' },
      'Whoever serves this page could read what you type into it: use one that you, or people you trust, serve.',
    ),
  )
}

function link({ link }: DoorActions): HTMLElement {
  const device = field('What you call this device', { required: true, maxlength: '64', value: thisDevice() })
  const passphrase = newPassphrase()
  return card(
    'Use your wallet in this browser, too',
    h(
      'p',
      {},
      'This browser gets keys of its own and becomes one of your devices. You need the other device at hand: it has to let this one in. The passphrase is for this browser alone.',
    ),
    form('Show me the link', [device.row, ...passphrase.rows], () =>
      link(device.input.value.trim(), passphrase.read()),
    ),
  )
}

function recover({ recover }: DoorActions): HTMLElement {
  const ways = kitAndPin()
  const passphrase = newPassphrase()
  return card(
    'Recover your wallet in this browser',
    h(
      'p',
      {},
      'Two of these bring you back: your kit, your PIN, your contacts. Begin with what you have; the contacts come after. The passphrase is a new one, for this browser.',
    ),
    form('Recover', [...ways.rows, ...passphrase.rows], async () => {
      const { kit, pin } = ways.read()
      await recover(kit, pin, passphrase.read())
    }),
  )
}

const PLATFORMS = ['iPhone', 'iPad', 'Android', 'Mac', 'Windows', 'Linux']

function thisDevice(): string {
  const platform = PLATFORMS.find((name) => navigator.userAgent.includes(name))
  return platform === undefined ? 'Browser' : `Browser on ${platform}`
}

function unlock(known: string, { unlock, unlockWithPasskey }: DoorActions): HTMLElement {
  const passphrase = field('Passphrase', { type: 'password', required: true, autocomplete: 'current-password' })
  return card(
    `Unlock the wallet of ${known}`,
    form('Unlock', [passphrase.row], () => unlock(passphrase.input.value)),
    ...(unlockWithPasskey ? [action('Unlock with a passkey', unlockWithPasskey)] : []),
  )
}
