/** Another device of the same wallet (flow V6): the new one shows a link and a code, the old one takes it up and approves. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { stdin } from 'node:process'
import type { EdgeAgent, OwnDeviceView } from '@keystead/agent/edge'
import { KeysteadError } from '@keystead/core'
import type { Capability } from '@keystead/did-dkms'
import { EXIT } from '../exit.ts'
import { terminalQr } from '../output.ts'
import { askLine } from '../passphrase.ts'
import { type Run, withWallet } from '../run.ts'
import { addAgency, newWallet } from './recover.ts'

export interface LinkOptions {
  readonly ledger: string
  readonly agency: string
  readonly network?: string
  readonly page: string
  readonly seconds: string
}

/** On the new device. */
export async function linkDevice(run: Run, name: string, options: LinkOptions): Promise<number> {
  if (!existsSync(resolve(run.folder, 'config.json'))) await newWallet(run, undefined, options)
  return withWallet(run, async (wallet) => {
    const { agent } = wallet
    if ((await agent.devices.linking())?.state !== 'linked') {
      if (!(await agent.profile()).agency) await addAgency(wallet, [options.agency])
      const { url = '' } = await agent.devices.link(name, options.page)
      const qr = terminalQr(url)
      run.out.event(
        'link',
        [
          'Open this on a device that has your wallet already ("keystead device approve <link>"), and on no other:',
          ...(qr ? [qr] : []),
          url,
          'Then compare: both devices show the same code of eight digits.',
        ],
        { url },
      )
    }
    const over = await agent.waitFor(() => ended(agent), after(options.seconds), run.signal)
    if (over === 'refused') throw new KeysteadError('CEREMONY_REFUSED', 'the other device refused the link')
    const contacts = [...(await agent.contacts()), ...(await agent.correspondents())]
    const joining = contacts.filter((contact) => contact.joining).map(({ label }) => label)
    const { label } = await agent.profile()
    const linked = (await agent.devices.linking())?.state === 'linked'
    const text = linked
      ? [
          `This is a device of ${label} now, with keys of its own.`,
          ...(joining.length > 0 ? [`Still on the way: ${joining.join(', ')}; "keystead sync" brings them.`] : []),
        ]
      : 'Not approved yet: "keystead device link" goes on waiting.'
    const own = await agent.devices.own()
    run.out.result(text, { linked, label, contacts: contacts.length, joining, devices: own.map(({ name }) => name) })
    return linked && over ? EXIT.ok : EXIT.tryLater
  })
}

/** Linked, and in every relationship that the others have told of. */
async function ended(agent: EdgeAgent): Promise<'linked' | 'refused' | undefined> {
  const state = (await agent.devices.linking())?.state
  if (state === 'refused') return 'refused'
  if (state !== 'linked' || (await agent.identities()).length === 0) return undefined
  const contacts = [...(await agent.contacts()), ...(await agent.correspondents())]
  return contacts.some(({ joining }) => joining) ? undefined : 'linked'
}

export interface ApproveOptions {
  readonly can?: readonly Capability[]
  readonly seconds: number
  readonly name?: string
  readonly code?: string
  readonly refuse?: boolean
  readonly wait: string
}

/** On a device that has the wallet. */
export function approveDevice(run: Run, link: string | undefined, options: ApproveOptions): Promise<number> {
  return withWallet(run, async ({ agent }) => {
    if (link !== undefined) await agent.devices.greet(link)
    if (options.refuse) {
      await agent.devices.refuseLink()
      run.out.result('Refused. Nothing was given.', { refused: true })
      return EXIT.ok
    }
    const view = await agent.waitFor(
      async () => {
        const now = await agent.devices.linking()
        return now && now.state !== 'greeted' && now.state !== 'committed' ? now : undefined
      },
      after(options.wait),
      run.signal,
    )
    if (!view) throw new KeysteadError('NO_ANSWER', 'the new device has not answered; try again while it waits')
    if (view.state === 'refused') throw new KeysteadError('CEREMONY_REFUSED', 'this link is over: show a new one')
    if (view.state === 'linked' && link === undefined)
      throw new KeysteadError('UNKNOWN_REQUEST', 'no device is being linked: give the link that the new one shows')
    if (view.state === 'linked') {
      run.out.result('This link has served: the device is one of yours.', { state: view.state })
      return EXIT.ok
    }
    const { code = '' } = view
    const spoken = `${code.slice(0, 4)} ${code.slice(4)}`
    const words = [
      `"${view.name}" asks to become a device of this wallet. It will read what you are sent, speak for you to all your`,
      'contacts, and see your credentials. Do this only with a device that you hold in your hands, never for somebody',
      'who asks you to.',
      `This device shows ${spoken}. The other one must show the same.`,
    ]
    const typed = options.code ?? (await askCode(run, words))
    if (typed === undefined || options.can === undefined) {
      const next = 'keystead device approve --code "<what the other one shows>" --can prove,suspend'
      run.out.result([...words, `If so: ${next}`], { state: view.state, name: view.name, code })
      return EXIT.tryLater
    }
    const { can: capabilities, seconds } = options
    const grant = { capabilities, seconds, ...(options.name === undefined ? {} : { name: options.name }) }
    const { name } = await agent.devices.approveLink(typed, grant)
    return untilIn(run, agent, name, after(options.wait))
  })
}

async function untilIn(run: Run, agent: EdgeAgent, name: string, until: number): Promise<number> {
  const find = async (): Promise<OwnDeviceView | undefined> =>
    (await agent.devices.own()).find((device) => device.name === name && device.revoked === undefined)
  const complete = await agent.waitFor(
    async () => {
      const device = await find()
      return device?.joined && device.missing?.length === 0 ? device : undefined
    },
    until,
    run.signal,
  )
  const { joined = false, missing = [] } = complete ?? (await find()) ?? {}
  run.out.result(
    complete
      ? `${name} is one of your devices now, in every relationship with keys of its own.`
      : `${name} is approved; the rest is brought by "keystead sync" on both${missing.length > 0 ? ` (${missing.join(', ')})` : ''}.`,
    { approved: true, name, joined, missing: [...missing] },
  )
  return complete ? EXIT.ok : EXIT.tryLater
}

async function askCode(run: Run, words: readonly string[]): Promise<string | undefined> {
  if (!stdin.isTTY || run.out.json) return undefined
  for (const line of words) run.out.note(line)
  return askLine('The code that the other device shows (nothing to refuse): ')
}

const after = (seconds: string): number => Math.floor(Date.now() / 1000) + Number(seconds)
