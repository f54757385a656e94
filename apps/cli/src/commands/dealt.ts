/** What is said when a deal was made: the kit is written, shares are on their way. */
import { existsSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { EdgeAgent, RecoveryStatus } from '@keystead/agent/edge'
import { KeysteadError } from '@keystead/core'
import type { Kit } from '@keystead/recovery'
import { EXIT } from '../exit.ts'
import { kitFile } from '../kit-page.ts'
import type { Run } from '../run.ts'
import { WAYS } from './recover.ts'
import { waiting } from './start.ts'

/** Before anything is dealt. */
export function refuseExisting(file: string): void {
  if (existsSync(file)) throw new KeysteadError('FILE_EXISTS', `${file} exists; a kit is never written over something`)
}

export async function dealt(run: Run, agent: EdgeAgent, kit: Kit, name: string): Promise<number> {
  const file = resolve(name)
  writeFileSync(file, kitFile(kit, file), { flag: 'wx', mode: 0o600, flush: true })
  const waits = await agent.sync()
  const { policy, level, agents, contacts, change } = await agent.recovery.status()
  const { holders: copies } = await agent.backupStatus()
  const { E, S } = policy?.groups ?? {}
  const names = contacts.map(({ label }) => label)
  run.out.result(
    [
      `Kit      ${file}`,
      '         Print it, put it where you keep your passport, and delete the file: whoever has it is half-way in.',
      ...(change
        ? [
            `Change   number ${change.epoch}, dealt to ${change.contacts.map(({ label }) => label).join(', ') || 'nobody'}${change.needs.agents > 0 ? ' and the agents of the PIN' : ''}`,
            '         The set-up before counts until enough of them have confirmed, and for a while after: keep its kit until',
            '         "keystead recovery status" says that it counts no more.',
          ]
        : [
            ...(S ? [`Shares   on their way to ${names.join(', ')}; ${S.threshold} of ${S.count} are needed`] : []),
            ...(E
              ? [`PIN      kept by ${E.count} agencies, of which ${E.threshold} are needed, ${E.guesses} guesses each:`]
              : []),
            ...agents.map((one) => `         ${agentLine(one)}`),
          ]),
      ...(policy?.paths ?? []).map(
        ({ id, delay }) => `Way back ${WAYS[id]}: authority after ${delay} s, time for your veto`,
      ),
      `Backups  run by themselves with every command, at ${copies.map(({ name }) => name).join(' and ')}; none can open them.`,
      ...waiting(waits),
    ],
    {
      kit: file,
      contacts: names,
      threshold: S?.threshold ?? null,
      policy,
      level,
      agents,
      change: change ?? null,
      ...waits,
    },
  )
  return waits.waiting + waits.operations > 0 ? EXIT.tryLater : EXIT.ok
}

/** An agency that was left keeps a share behind the PIN: what that means, and what to do. */
export function leftBehindLines({ from, to, changing }: NonNullable<RecoveryStatus['leftBehind']>): string[] {
  const later = `${from} is told to delete its share when the earlier set-up counts no more.`
  if (changing)
    return [
      `You left ${from}, and it keeps a share behind your PIN: it counts until enough have confirmed the change.`,
      later,
    ]
  return [
    `You left ${from}, and it keeps a share behind your PIN, which goes on counting. A share is never copied: deal anew with`,
    `"keystead recovery agent remove ${from} --add ${to} --pin --kit <new kit>". You are asked for your PIN, for no device knows it.`,
    `Until enough have confirmed, all is as it was; ${later}`,
  ]
}

export function agentLine(one: RecoveryStatus['agents'][number]): string {
  const label = one.demonstration ? ', a demonstration: not independent' : ''
  return `${one.operator} at ${one.endpoint}${label}: ${one.answer}${one.guessesUsed > 0 ? `, ${one.guessesUsed} guess(es) counted` : ''}`
}
