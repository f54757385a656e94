/** People: invite, accept, connect to a public DID, prove keys. */
import { readFileSync } from 'node:fs'
import type { EdgeAgent } from '@keystead/agent/edge'
import { type JsonObject, parseJson } from '@keystead/core'
import type { Command } from 'commander'
import { trustOf } from '../contact-trust.ts'
import { EXIT } from '../exit.ts'
import { action, type Run, withWallet } from '../run.ts'
import { type InPersonOptions, verifyInPerson } from './in-person.ts'
import { AS, inviteCommands, TELL } from './invite.ts'
import { messageCommands } from './messages.ts'
import { removalCommands } from './removal.ts'

export function contactCommands(program: Command): void {
  inviteCommands(program)

  program
    .command('accept <link>')
    .description('accept an invitation')
    .option(...AS)
    .option(...TELL)
    .option('--wait <seconds>', 'wait for the answer', '10')
    .action(
      action(program, (run, link: string, options: { as?: string; tell?: boolean; wait: string }) =>
        withWallet(run, async ({ agent }) => {
          const told = options.tell ? { tell: (await agent.publicIdentity()).did } : {}
          const invitation = await agent.readInvitation(link)
          run.out.note(`The invitation says it is from "${invitation.label}". Nobody has checked that.`)
          if (invitation.plain) return acceptPlainly(run, agent, link, options)
          const { id } = await agent.accept(link, {
            ...(options.as === undefined ? {} : { alias: options.as }),
            ...told,
          })
          return connected(run, agent, id, Number(options.wait))
        }),
      ),
    )

  program
    .command('connect <did>')
    .description('connect to whoever controls a public DID')
    .option(...AS)
    .option(...TELL)
    .option('--wait <seconds>', 'wait for the answer', '10')
    .action(
      action(program, (run, did: string, options: { as?: string; tell?: boolean; wait: string }) =>
        withWallet(run, async ({ agent }) => {
          const told = options.tell ? { tell: (await agent.publicIdentity()).did } : {}
          const { id } = await agent.connect(did, {
            ...(options.as === undefined ? {} : { alias: options.as }),
            ...told,
          })
          return connected(run, agent, id, Number(options.wait))
        }),
      ),
    )

  const list = program.command('contacts').description('everybody you are connected with')
  removalCommands(program, list)
  list.action(
    action(program, (run) =>
      withWallet(run, async ({ agent }) => {
        const contacts = await agent.contacts()
        const others = await agent.correspondents()
        const line = (id: string, label: string, status: string, more: string): string =>
          `${id.slice(0, 8)}  ${(label || '(invited)').padEnd(16)} ${status.padEnd(10)} ${more}`
        const lines = [
          ...contacts.map((contact) => line(contact.id, contact.label, contact.status, trustOf(contact))),
          ...others.map(({ id, label, status }) => line(id, label, status, 'other software')),
        ]
        run.out.result(lines.length > 0 ? lines : 'Nobody yet.', {
          contacts: contacts.map(({ id, label, status, verified, person, blocked }) => ({
            id,
            label,
            status,
            verified: verified ?? null,
            person: person ?? null,
            blocked: blocked ?? null,
          })),
          others: others.map(({ id, label, status }) => ({ id, label, status })),
        })
      }),
    ),
  )

  messageCommands(program)

  program
    .command('verify <contact>')
    .description('have a contact prove, now, that they hold their keys')
    .option('--seconds <n>', 'how long the challenge stays open', '60')
    .option('--offline', 'print the challenge, to be carried by hand, instead of sending it')
    .option('--answer <file>', 'judge an answer that came by hand')
    .option('--in-person', 'make sure that it is them: each reads six digits to the other')
    .option('--code <digits>', 'the digits they read to you, where there is no terminal to ask on')
    .option('--show-qr', 'show a code for them to scan from this screen')
    .option('--scan <text>', 'what you scanned from their screen')
    .action(
      action(program, (run, name: string, options: VerifyOptions) =>
        withWallet(run, async ({ agent }) => {
          if (options.inPerson || options.code || options.showQr || options.scan)
            return verifyInPerson(run, agent, name, options)
          if (options.offline) {
            const challenge = await agent.challengeOf(name, Number(options.seconds))
            run.out.result(JSON.stringify(challenge), challenge)
            return EXIT.ok
          }
          const verdict = options.answer
            ? await agent.judgeAnswer(name, readJson(options.answer))
            : await agent.verify(name, { seconds: Number(options.seconds), signal: run.signal })
          const text =
            verdict.result === 'proven'
              ? [`${name} holds these keys now:`, ...verdict.kids.map((kid) => `  ${kid}`)]
              : `Not proven: ${REASONS[verdict.reason]} (${verdict.reason})`
          run.out.result(text, verdict)
          return verdict.result === 'proven' ? EXIT.ok : EXIT.negative
        }),
      ),
    )

  program
    .command('answer <file>')
    .description('answer a challenge that came by hand')
    .requiredOption('--to <contact>', 'whose challenge it is')
    .action(
      action(program, (run, file: string, options: { to: string }) =>
        withWallet(run, async ({ agent }) => {
          const answer = await agent.answerTo(readJson(file), options.to)
          run.out.result(JSON.stringify(answer), answer)
        }),
      ),
    )
}

interface VerifyOptions extends InPersonOptions {
  readonly offline?: boolean
  readonly answer?: string
}

async function acceptPlainly(
  run: Run,
  agent: EdgeAgent,
  link: string,
  options: { as?: string; wait: string },
): Promise<number> {
  const { id } = await agent.acceptPlainly(link, options.as === undefined ? {} : { alias: options.as })
  const look = async () => (await agent.correspondents()).find((one) => one.id === id && one.status === 'connected')
  const found = await agent.waitFor(look, Math.floor(Date.now() / 1000) + Number(options.wait), run.signal)
  if (found) {
    run.out.result(`Connected with ${found.label}, who uses other software.\n  your DID     ${found.own}`, {
      id,
      label: found.label,
      status: 'connected',
      did: found.own,
      peer: found.peer ?? null,
    })
    return EXIT.ok
  }
  run.out.result('Asked. They have not answered yet; "keystead sync" will fetch the answer.', {
    id,
    status: 'requested',
  })
  return EXIT.tryLater
}

/** What each reason means for a person. */
const REASONS: Readonly<Record<string, string>> = {
  'unknown-challenge': 'it answers no challenge of yours',
  replayed: 'this answer was judged before; somebody shows an old one again',
  late: 'the answer came after the challenge had ended',
  'wrong-audience': 'the answer was made for somebody else',
  'rolled-back':
    'their keys of today speak for an older state: their wallet was turned back; nothing is said to them until you know why',
  revoked: 'a key answered that was theirs once and is not any more',
  'stale-state': 'the answer speaks of another state of the relationship than you have seen; sync and try again',
  'no-proof': 'a key that must answer did not',
  'wrong-key': 'the answer is signed by a key that is not theirs',
}

async function connected(
  run: Parameters<Parameters<typeof action>[1]>[0],
  agent: Parameters<Parameters<typeof withWallet>[1]>[0]['agent'],
  id: string,
  seconds: number,
): Promise<number> {
  const until = Math.floor(Date.now() / 1000) + seconds
  const found = await agent.waitFor(
    async () => {
      const relationship = await agent.relationship(id)
      return relationship?.status === 'connected' ? relationship : undefined
    },
    until,
    run.signal,
  )
  if (found) {
    const { rel } = found.mine.state
    run.out.result(
      `Connected with ${found.label}.\n  relationship ${rel}\n  your DID     ${found.mine.state.now.did}\n  their DID    ${found.peer?.state.now.did}`,
      {
        id,
        label: found.label,
        status: 'connected',
        rel,
        did: found.mine.state.now.did,
        peer: found.peer?.state.now.did,
      },
    )
    return EXIT.ok
  }
  run.out.result('Asked. They have not answered yet; "keystead sync" will fetch the answer.', {
    id,
    status: 'requested',
  })
  return EXIT.tryLater
}

export function readJson(file: string): JsonObject {
  return parseJson(new Uint8Array(readFileSync(file === '-' ? 0 : file)), 1024 * 1024) as JsonObject
}
