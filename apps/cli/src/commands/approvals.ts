/** How many of the owner's devices a change of a contact's keys needs, and what waits for another one (DEVICE-13 to DEVICE-16). */
import type { ApprovalsView, EdgeAgent } from '@keystead/agent/edge'
import { KeysteadError } from '@keystead/core'
import type { Command } from 'commander'
import { EXIT } from '../exit.ts'
import { iso } from '../output.ts'
import { action, type Run, withWallet } from '../run.ts'

export function approvalsCommand(program: Command, device: Command): void {
  device
    .command('approvals [number]')
    .description(
      'how many of your devices have to agree to a change of your keys, towards contacts and of your DID: 1 or 2',
    )
    .option('--withdraw <id>', 'what this device asks the others for')
    .action(
      action(program, (run, number: string | undefined, { withdraw }: { withdraw?: string }) =>
        withWallet(run, async ({ agent }) => {
          await agent.sync()
          if (withdraw !== undefined) await agent.devices.withdraw(withdraw)
          return number === undefined ? show(run, agent) : change(run, agent, number)
        }),
      ),
    )
}

async function change(run: Run, agent: EdgeAgent, number: string): Promise<number> {
  if (number !== '1' && number !== '2')
    throw new KeysteadError('BAD_OPTION', 'one device is enough, or two have to agree: 1 or 2')
  const done = await agent.devices.setApprovals(number === '1' ? 1 : 2)
  await agent.sync()
  return show(run, agent, done)
}

async function show(run: Run, agent: EdgeAgent, done = true): Promise<number> {
  const view = await agent.devices.approvals()
  run.out.result(
    [
      ...(done ? [] : ['It takes two devices to say so: "keystead requests" on another one of yours.']),
      ...linesOf(view),
    ],
    { ...view, alone: [...view.alone], waiting: view.waiting.map((one) => ({ ...one, declined: [...one.declined] })) },
  )
  return done ? EXIT.ok : EXIT.tryLater
}

function linesOf({ needed, devices, holders, alone, waiting }: ApprovalsView): string[] {
  const lines =
    needed === 1
      ? ['One device of yours is enough to change your keys towards contacts, also in the hands of a thief.']
      : [`Two of your ${devices} devices have to agree to every change of your keys towards contacts.`, lossOf(devices)]
  lines.push(authorityOf(needed, holders))
  if (needed === 2 && alone.length > 0) lines.push(`One is enough until the next change: ${alone.join(', ')}.`)
  for (const { id, text, expires, declined } of waiting)
    lines.push(
      `${id.slice(0, 8)}  waits for another device, until ${iso(expires)}: ${text}${declined.length > 0 ? ` (declined on ${declined.join(', ')})` : ''}`,
    )
  return lines
}

function authorityOf(needed: 1 | 2, holders: number): string {
  if (holders > 2) return `Of ${holders} devices that hold the authority of your DID, two change it.`
  if (holders === 2)
    return 'Two devices hold the authority of your DID, and change it together; without one of them it takes a recovery.'
  return needed === 1
    ? 'One device holds the authority of your DID.'
    : 'One device still holds the authority of your DID alone: it takes another that has admin, and with just two a recovery that is set up.'
}

function lossOf(devices: number): string {
  return devices > 2
    ? 'When one is lost, the others revoke it together.'
    : 'When one is lost, nothing can be changed until you recover with your kit and contacts: a third device spares you that.'
}
