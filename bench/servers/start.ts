/** Starts a server of the bench as a process of its own, as its users would have it. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface RunningServer<Ready> {
  readonly ready: Ready
  readonly process: ChildProcess
  stop(): Promise<void>
}

/** `ready`: what it says when it listens. */
export async function startServer<Ready>(
  name: 'ledger' | 'plc' | 'nothing',
  ...args: string[]
): Promise<RunningServer<Ready>> {
  const child = fork(fileURLToPath(new URL(`${name}.ts`, import.meta.url)), args, {
    stdio: ['ignore', 'ignore', 2, 'ipc'],
  })
  const failed = once(child, 'exit').then(() => Promise.reject(new Error(`the ${name} server did not start`)))
  const [ready] = (await Promise.race([once(child, 'message'), failed])) as [Ready]
  failed.catch(() => {})
  return {
    ready,
    process: child,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
    },
  }
}
