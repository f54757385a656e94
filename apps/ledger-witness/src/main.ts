/** `ledger-witness <config.json>`: runs until SIGINT or SIGTERM. */
import { systemClock } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { readWitnessConfig } from './config.ts'
import { serveWitness } from './serve.ts'

try {
  const file = process.argv[2]
  if (!file) throw new Error('usage: ledger-witness <config.json>')
  const running = await serveWitness(readWitnessConfig(file), {
    clock: systemClock,
    keys: nodeKeyProvider(),
    log: (line) => console.log(line),
  })
  console.log(`witness ready ${running.url} key ${running.witness.verifierKey}`)
  const stop = async (): Promise<void> => {
    await running.close()
    process.exit(0)
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
} catch (error) {
  const code = (error as { code?: string }).code ?? 'INTERNAL_ERROR'
  console.error(`witness error ${code}: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}
