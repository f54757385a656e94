/** Devices that may act for the public DID (flows V4, V12): ask, grant, change, revoke, stop, resume. */
import type { DeviceView } from '@keystead/agent/edge'
import { KeysteadError } from '@keystead/core'
import { CAPABILITIES, type Capability } from '@keystead/did-dkms'
import type { Command } from 'commander'
import { iso } from '../output.ts'
import { action, withWallet } from '../run.ts'

const DAY = 86_400

export function deviceCommands(program: Command): void {
  const device = program.command('device').description('which devices may act for your DID, and for what')
  const can = `what it may do, of ${CAPABILITIES.map((name) => name.toLowerCase()).join(', ')}`

  device
    .command('list', { isDefault: true })
    .description('the entries on the ledger, verified')
    .action(
      action(program, (run) =>
        withWallet(run, async ({ agent }) => {
          const { did, suspended, devices } = await agent.devices.list()
          const state = suspended ? ['The DID is suspended: "keystead device resume" lifts it.'] : []
          const lines = devices.length > 0 ? devices.map(line) : ['No device is granted anything.']
          run.out.result([...state, ...lines], { did, suspended, devices: [...devices] })
        }),
      ),
    )
  device
    .command('request [name]')
    .description('on the other device: a key of its own, and the text that asks for it')
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
  device
    .command('revoke <name>')
    .description('a device that is lost, stolen or retired: it signs nothing for you any more')
    .action(
      action(program, (run, name: string) =>
        withWallet(run, async ({ agent }) => {
          await agent.devices.revoke(name)
          run.out.result(`${name} is revoked.`, { revoked: name })
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

function line({ h, name, capabilities: can, until, standing }: DeviceView): string {
  const state = standing === 'active' ? `until ${iso(until).slice(0, 10)}` : standing
  return `${(name ?? '(another, or padding)').padEnd(24)} ${h.slice(0, 10)}  ${state}  ${can.join(', ').toLowerCase() || 'nothing'}`
}

function capabilities(text: string): Capability[] {
  return text.split(',').map((item) => {
    const name = item.trim().toUpperCase().replaceAll('-', '_')
    const found = CAPABILITIES.find((capability) => capability === name)
    if (!found) throw new KeysteadError('BAD_CAPABILITY', `there is no capability "${item.trim()}"`)
    return found
  })
}

function days(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1 || count > 3650)
    throw new KeysteadError('BAD_OPTION', 'days are a number from 1 to 3650')
  return count
}
