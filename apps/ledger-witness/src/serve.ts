/** A witness as a process: one folder, one port, and a look at every log now and then. */
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import type { Clock } from '@keystead/core'
import type { KeyProvider } from '@keystead/crypto'
import { openKeyFile } from '@keystead/crypto/key-file'
import type { WitnessConfig } from './config.ts'
import { getOverHttp, lookAt } from './follow.ts'
import { witnessHttp } from './http.ts'
import { WitnessMemory } from './memory.ts'
import { Witness } from './witness.ts'

export interface RunningWitness {
  readonly witness: Witness
  readonly url: string
  close(): Promise<void>
}

/** Rejects with `WITNESS_IN_USE`, or the system's reason for a taken port. */
export async function serveWitness(
  config: WitnessConfig,
  { clock, keys, log }: { clock: Clock; keys: KeyProvider; log: (line: string) => void },
): Promise<RunningWitness> {
  const memory = new WitnessMemory(config.data)
  const key = await openKeyFile(join(config.data, 'witness-key.json'), keys)
  const witness = new Witness({ ...config, key, memory, clock, log })
  const server = serve({ fetch: witnessHttp(witness, log).fetch, hostname: config.host, port: config.port })
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : config.port)
    })
  })
  const stop = new AbortController()
  const following = follow(witness, config.followSeconds, clock, log, stop.signal)
  return {
    witness,
    url: `http://${config.host}:${port}`,
    close: async () => {
      stop.abort()
      await following
      if ('closeAllConnections' in server) server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      memory.close()
    },
  }
}

async function follow(
  witness: Witness,
  seconds: number,
  clock: Clock,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    for (const { origin, url } of witness.logs) {
      if (!url || signal.aborted) continue
      try {
        const answer = await lookAt(witness, { origin, url }, getOverHttp)
        if (answer?.status !== 200) log(`refused ${origin}: ${answer?.reason ?? 'it shows another log'}`)
      } catch (error) {
        log(`unreachable ${origin}: ${(error as Error).message}`)
      }
    }
    await clock.sleep(seconds * 1000, signal).catch(() => {})
  }
}
