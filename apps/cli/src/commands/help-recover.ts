/** Helping a contact who has lost everything (flow V17). */
import { KeysteadError } from '@keystead/core'
import { EXIT } from '../exit.ts'
import { askLine } from '../passphrase.ts'
import type { Run } from '../run.ts'
import type { OpenWallet } from '../wallet.ts'

export interface HelpOptions {
  readonly owner?: string
  readonly code?: string
  readonly inPerson?: boolean
  readonly refuse?: boolean
  readonly seconds: string
}

export async function help(
  run: Run,
  { agent }: OpenWallet,
  link: string | undefined,
  options: HelpOptions,
): Promise<number> {
  const begun =
    link === undefined ? (await agent.recovery.openHelping()).at(-1) : await agent.recovery.help(link, options.owner)
  if (!begun) throw new KeysteadError('UNKNOWN_REQUEST', 'nobody asked for help: give the link')
  const { session } = begun
  if (options.refuse) {
    await agent.recovery.refuseHelp(session)
    run.out.result('Refused.', { refused: true })
    return EXIT.ok
  }
  const { label } = await agent.contact(begun.relationship)
  const ready = await agent.waitFor(
    async () => {
      const now = await agent.recovery.helping(session)
      return now && now.ceremony.state !== 'invited' && now.ceremony.state !== 'committed' ? now : undefined
    },
    Math.floor(Date.now() / 1000) + Number(options.seconds),
    run.signal,
  )
  if (!ready) throw new KeysteadError('NO_ANSWER', 'the new device has not answered; try again while it waits')
  const guardian = begun.vouched?.name
  const call = guardian ?? label
  const code = options.code ?? (await askCode(run, call))
  if (code === undefined) {
    run.out.result(
      [
        ...(guardian === undefined
          ? [`Somebody recovers the wallet of ${label}. Call ${label} on a number you know and see that it is them.`]
          : [
              `A guardian whom ${label} named, by the ledger, recovers the wallet of ${label}. They call themselves "${guardian}".`,
              `Ask ${label} first, if they can answer. Call the guardian on a number you know, not one of this message.`,
            ]),
        'They tell you a code of eight digits: keystead help-recover --code "1234 5678"',
      ],
      { session, owner: label, state: ready.ceremony.state, guardian: guardian ?? null },
    )
    return EXIT.ok
  }
  await agent.recovery.typeCode(session, code, { inPerson: options.inPerson === true })
  await agent.sync()
  run.out.result(`Your share is on its way to the new device of ${label}.`, { session, owner: label, approved: true })
  return EXIT.ok
}

async function askCode(run: Run, label: string): Promise<string | undefined> {
  if (!process.stdin.isTTY || run.out.json) return undefined
  process.stderr.write(`Call ${label} on a number you know. Do not take the code from a message.\n`)
  return askLine('The code they tell you: ')
}
