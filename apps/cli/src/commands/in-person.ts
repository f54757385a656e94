/** `keystead verify <contact> --in-person`: two people make sure of each other, by voice or face to face. */
import { stdin } from 'node:process'
import type { EdgeAgent } from '@keystead/agent/edge'
import { EXIT } from '../exit.ts'
import { terminalQr } from '../output.ts'
import { askLine } from '../passphrase.ts'
import type { Run } from '../run.ts'

export interface InPersonOptions {
  readonly seconds: string
  readonly inPerson?: boolean
  readonly code?: string
  readonly showQr?: boolean
  readonly scan?: string
}

export async function verifyInPerson(
  run: Run,
  agent: EdgeAgent,
  name: string,
  options: InPersonOptions,
): Promise<number> {
  if (options.scan !== undefined) {
    await agent.scanCode(name, options.scan)
    return verified(run, name)
  }
  if (options.showQr) return showQr(run, agent, name, Number(options.seconds))
  if (options.code !== undefined) return judge(run, agent, name, options.code)
  await agent.sync()
  await agent.meet(name)
  const until = Math.floor(Date.now() / 1000) + Number(options.seconds)
  const look = async () => {
    const view = await agent.meeting(name)
    return view?.state === 'ready' || view?.state === 'failed' ? view : undefined
  }
  const view = await agent.waitFor(look, until, run.signal)
  if (!view) {
    run.out.result(`${name} is not there yet: ask them to run the same command, then run it again.`, {
      state: 'waiting',
    })
    return EXIT.tryLater
  }
  if (view.state === 'failed') return mismatch(run, name)
  const spoken = `${view.read?.slice(0, 3)} ${view.read?.slice(3)}`
  run.out.event('meeting-ready', `Read this to ${name}, so that you know their voice or face: ${spoken}`, {
    read: view.read ?? '',
  })
  if (!stdin.isTTY) {
    run.out.result(`Then: keystead verify ${name} --code <what they read to you>`, { state: 'ready', read: view.read })
    return EXIT.tryLater
  }
  return judge(run, agent, name, await askLine(`What ${name} reads to you: `))
}

async function showQr(run: Run, agent: EdgeAgent, name: string, seconds: number): Promise<number> {
  await agent.sync()
  const text = await agent.showCode(name)
  run.out.event('meeting-code', `${terminalQr(text) ?? ''}\n${text}\nFor ${name} alone to scan, now.`, { text })
  const until = Math.floor(Date.now() / 1000) + seconds
  const look = async () => {
    const state = (await agent.meeting(name))?.state
    return state === 'showing' ? undefined : state
  }
  const state = await agent.waitFor(look, until, run.signal)
  if (state === 'verified') return verified(run, name)
  if (state !== undefined) return mismatch(run, name)
  run.out.result(`${name} has not scanned it yet; "keystead sync" will notice.`, { state: 'showing' })
  return EXIT.tryLater
}

async function judge(run: Run, agent: EdgeAgent, name: string, digits: string): Promise<number> {
  return (await agent.typeCode(name, digits)) ? verified(run, name) : mismatch(run, name)
}

function verified(run: Run, name: string): number {
  run.out.result(`${name} is verified in person. New keys and devices of theirs keep it; a recovery does not.`, {
    state: 'verified',
  })
  return EXIT.ok
}

function mismatch(run: Run, name: string): number {
  run.out.result(
    `${name} is not verified: the codes differ. A slip of the tongue, or somebody stands between you. Begin again.`,
    { state: 'failed' },
  )
  return EXIT.negative
}
