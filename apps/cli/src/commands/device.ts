/** The owner's devices (flows V4, V6, V12): link, list, name, ask, grant, change, revoke, stop, resume. */
import type { DeviceView, OwnDeviceView } from '@keystead/agent/edge'
import { KeysteadError } from '@keystead/core'
import { CAPABILITIES, type Capability } from '@keystead/did-dkms'
import type { Command } from 'commander'
import { DEFAULT_AGENCY, DEFAULT_LEDGER } from '../config.ts'
import { EXIT } from '../exit.ts'
import { iso } from '../output.ts'
import { action, type Run, withWallet } from '../run.ts'
import { approvalsCommand } from './approvals.ts'
import { approveDevice, type LinkOptions, linkDevice } from './device-link.ts'
import { DEFAULT_PAGE } from './invite.ts'
import { waiting } from './start.ts'

const DAY = 86_400

export function deviceCommands(program: Command): void {
  const device = program
    .command('device')
    .description('your devices: which share this wallet, which may act for your DID, and for what')
  const can = `what it may do, of ${CAPABILITIES.map((name) => name.toLowerCase()).join(', ')}`

  device
    .command('list', { isDefault: true })
    .description('devices of this wallet, and the entries on the ledger, verified')
    .action(
      action(program, (run) =>
        withWallet(run, async ({ agent }) => {
          const { did, suspended, devices, own } = await agent.devices.list()
          const state = suspended ? ['The DID is suspended: "keystead device resume" lifts it.'] : []
          const shared = own.length > 0 ? ['Devices of this wallet:', ...own.map(ownLine)] : []
          const lines =
            devices.length > 0 ? ['May act for your DID:', ...devices.map(line)] : ['No device is granted anything.']
          run.out.result([...state, ...shared, ...lines], { did, suspended, devices: [...devices], own: [...own] })
        }),
      ),
    )
  device
    .command('link [name]')
    .description('on the new device: make its wallet, and show a link for your old one to approve')
    .option('--agency <url>', 'an agency by which the two find each other', DEFAULT_AGENCY)
    .option('--ledger <url>', 'a ledger node', DEFAULT_LEDGER)
    .option('--network <hash>', 'the network, when you know its name')
    .option('--page <url>', 'page the link points to', DEFAULT_PAGE)
    .option('--seconds <n>', 'how long to wait', '900')
    .action(
      action(program, (run, name: string | undefined, options: LinkOptions) =>
        linkDevice(run, name ?? nameOf(run), options),
      ),
    )
  device
    .command('approve [link]')
    .description('on your old device: let the one that shows this link into your wallet; the link alone gives nothing')
    .option('--can <capabilities>', can)
    .option('--code <code>', 'the code, as the new device shows it')
    .option('--days <n>', 'for how long its entry on the ledger stands', '365')
    .option('--name <name>', 'what you call it')
    .option('--refuse', 'refuse it')
    .option('--seconds <n>', 'how long to wait for the new device', '60')
    .action(
      action(program, (run, link: string | undefined, options: ApproveFlags) => {
        const { can: names, days: count, seconds: wait, ...rest } = options
        const granted = names === undefined ? {} : { can: capabilities(names) }
        return approveDevice(run, link, { ...rest, ...granted, seconds: days(count) * DAY, wait })
      }),
    )
  device
    .command('rename <name> <to>')
    .description('what a device of this wallet is called')
    .action(
      action(program, (run, name: string, to: string) =>
        withWallet(run, async ({ agent }) => {
          await agent.devices.rename(name, to)
          run.out.result(`${name} is called ${to} now.`, { name: to })
        }),
      ),
    )
  device
    .command('request [name]')
    .description('without sharing the wallet: on the other device, a key of its own, and the text that asks for it')
    .action(
      action(program, (run, name: string | undefined) =>
        withWallet(run, async ({ agent }) => {
          const request = await agent.devices.request(name ?? run.options.wallet)
          run.out.result(request, { request })
        }),
      ),
    )
  device
    .command('grant <request>')
    .description('let the device that printed the request act for your DID')
    .requiredOption('--can <capabilities>', can)
    .option('--days <n>', 'for how long', '365')
    .action(
      action(program, (run, request: string, options: { can: string; days: string }) =>
        withWallet(run, async ({ agent }) => {
          const granted = await agent.devices.grant(request, capabilities(options.can), days(options.days) * DAY)
          run.out.result(`Granted: ${line(granted)}`, { ...granted, capabilities: [...granted.capabilities] })
        }),
      ),
    )
  device
    .command('permit <name>')
    .description('other permissions for a device')
    .requiredOption('--can <capabilities>', can)
    .action(
      action(program, (run, name: string, options: { can: string }) =>
        withWallet(run, async ({ agent }) => {
          const now = capabilities(options.can)
          await agent.devices.permit(name, now)
          run.out.result(`${name} may now: ${options.can}.`, { name, capabilities: [...now] })
        }),
      ),
    )
  approvalsCommand(program, device)
  device
    .command('revoke <name>')
    .description('a device that is lost, stolen or retired: off the ledger, the agency and every relationship')
    .option('--anyway', 'also where no other device is left to approve changes with this one: recovery has to follow')
    .action(
      action(program, (run, name: string, { anyway = false }: { anyway?: boolean }) =>
        withWallet(run, async ({ agent }) => {
          await agent.devices.revoke(name, { anyway })
          const { waiting: messages, operations, approvals } = await agent.sync()
          const left = (await agent.devices.own()).find((device) => device.name === name)?.left
          const lines = [`${name} is revoked.`, ...waiting({ waiting: messages, operations, approvals })]
          if (left?.contacts.length && anyway && approvals === 0)
            lines.push(`Still known to ${left.contacts.join(', ')} until you recover ("keystead recover").`)
          if (left?.agency) lines.push('The agency still serves it; "keystead sync" cuts it off.')
          if (left?.ledger) lines.push('The ledger still has its entry; "keystead sync" takes it off.')
          if (left?.log) lines.push('It can still open what your devices share; "keystead sync" ends that.')
          if (left?.authority) lines.push(...(left.together ? TAKEN_OUT_BY_TWO : AUTHORITY_LOST))
          run.out.result(lines, { revoked: name, waiting: messages, operations, left: left ?? null })
          const { agency, ledger, log, authority, contacts = [] } = left ?? {}
          const stands = agency || ledger || log || authority || contacts.length > 0
          return messages + operations === 0 && !stands ? EXIT.ok : EXIT.tryLater
        }),
      ),
    )
  device
    .command('suspend [did]')
    .description(
      'stop everything of your DID for up to three days; with <did>, of one that granted this device SUSPEND',
    )
    .action(
      action(program, (run, did: string | undefined) =>
        withWallet(run, async ({ agent }) => {
          await agent.devices.suspend(did)
          run.out.result('Suspended. Rotation, recovery and veto still work.', { suspended: true })
        }),
      ),
    )
  device
    .command('resume')
    .description('lift a suspension')
    .action(
      action(program, (run) =>
        withWallet(run, async ({ agent }) => {
          await agent.devices.resume()
          run.out.result('Resumed.', { suspended: false })
        }),
      ),
    )
}

interface ApproveFlags {
  readonly can?: string
  readonly days: string
  readonly name?: string
  readonly code?: string
  readonly refuse?: boolean
  readonly seconds: string
}

/** Of a device that holds the authority alone: what no other one can do for its owner. */
const AUTHORITY_LOST = [
  'It holds the authority of your public DID on the ledger alone, and only a recovery takes that from it: "keystead recover" with your kit and contacts, in a new wallet.',
  'Until then the DID is suspended where this device may do that, and your contacts listen to the devices you have left.',
  'With three devices that have admin, "keystead device approvals 2" has two of them hold it together, and the loss of one is no reason to recover.',
]

/** Of one of several that hold it. */
const TAKEN_OUT_BY_TWO = [
  'It can change nothing of your public DID alone. "keystead sync" and "keystead requests" on your other devices: one asks, and "keystead approve" on the other takes it out.',
  'Where one device is left, "keystead recover" in a new wallet does.',
]

/** What a device calls itself unless told otherwise: the name of its wallet. */
const nameOf = ({ options }: Run): string => options.wallet.split(/[\\/]/).filter(Boolean).at(-1) ?? 'device'

function ownLine({ name, self, admin, authority, joined, missing = [], revoked, left }: OwnDeviceView): string {
  const what = [
    ...(self ? ['this one'] : []),
    ...(authority && revoked === undefined ? ['holds the keys of your DID'] : []),
    ...(admin ? ['may add and revoke others'] : []),
    ...(joined || revoked !== undefined ? [] : ['not there yet']),
    ...(missing.length > 0 ? [`not yet known to ${missing.join(', ')}`] : []),
    ...(revoked === undefined ? [] : [`revoked ${iso(revoked).slice(0, 10)}`]),
    ...(left?.agency ? ['the agency still serves it'] : []),
    ...(left?.ledger ? ['the ledger still has its entry'] : []),
    ...(left?.log ? ['it can still open what your devices share'] : []),
    ...(left?.authority
      ? [
          left.together
            ? 'can be taken out of your DID by two others'
            : 'holds the authority of your DID until you recover it',
        ]
      : []),
    ...(left?.contacts.length ? [`still known to ${left.contacts.join(', ')}`] : []),
  ]
  return `  ${name.padEnd(22)} ${what.join(', ')}`
}

function line({ h, name, self, capabilities: can, until, standing }: DeviceView): string {
  const state = standing === 'active' ? `until ${iso(until).slice(0, 10)}` : standing
  return `${(name ?? '(another, or padding)').padEnd(24)} ${h.slice(0, 10)}  ${state}  ${can.join(', ').toLowerCase() || 'nothing'}${self ? ' (this one)' : ''}`
}

function capabilities(text: string): Capability[] {
  return text.split(',').map((item) => {
    const name = item.trim().toUpperCase().replaceAll('-', '_')
    const found = CAPABILITIES.find((capability) => capability === name)
    if (!found) throw new KeysteadError('BAD_CAPABILITY', `there is no capability "${item.trim()}"`)
    return found
  })
}

export function days(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1 || count > 3650)
    throw new KeysteadError('BAD_OPTION', 'days are a number from 1 to 3650')
  return count
}
