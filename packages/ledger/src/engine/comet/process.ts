/**
 * The application as a process of its own, started by the supervisor in the validator's folder: the ABCI server on `app.sock`,
 * the state in `ledger.lmdb`. It ends with its supervisor, and CometBFT ends with it, so that nothing is left behind.
 */
import { rmSync } from 'node:fs'
// This is a program: it chooses the native driver, ten times faster than the portable one.
import '@keystead/crypto/node'
import { systemClock } from '@keystead/core'
import { AbciServer } from '../../abci/server.ts'
import { ADMISSION_VARIABLE, parseAdmissionPolicy } from '../../admission.ts'
import { SNAPSHOT_EVERY_BLOCKS } from '../../limits.ts'
import { LedgerStore } from '../../state/store.ts'
import { Application, type ApplicationOptions } from './application.ts'
import { APP_SOCKET, readNetworkFile, SNAPSHOT_FOLDER, STORE_FOLDER } from './home.ts'
import type { RefusedOperation } from './verdict.ts'

/** What the process tells its supervisor. */
export type AppMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'committed'; readonly height: number }
  | { readonly kind: 'refused'; readonly refusals: readonly RefusedOperation[] }

/** Runs until the supervisor is gone or says SIGTERM. `make`: another application, for tests of what a cheater does. */
export async function runApplication(
  make: (options: ApplicationOptions) => Application = (options) => new Application(options),
): Promise<void> {
  const tell = (message: AppMessage): void => {
    if (process.connected) process.send?.(message)
  }
  const store = LedgerStore.open(STORE_FOLDER)
  const application = make({
    store,
    now: () => Math.floor(Date.now() / 1000),
    admission: parseAdmissionPolicy(process.env[ADMISSION_VARIABLE] || 'open', systemClock),
    snapshots: {
      genesis: readNetworkFile('.').genesis,
      folder: SNAPSHOT_FOLDER,
      every: Number(process.env['KEYSTEAD_LEDGER_SNAPSHOT_BLOCKS'] ?? SNAPSHOT_EVERY_BLOCKS),
      log: (line) => console.log(line),
    },
    events: {
      committed: (height) => tell({ kind: 'committed', height }),
      refused: (refusals) => tell({ kind: 'refused', refusals }),
    },
  })
  rmSync(APP_SOCKET, { force: true })
  const server = await AbciServer.listen({
    path: APP_SOCKET,
    application,
    onError: (error) => console.error(`application error: ${error.stack ?? error.message}`),
  })
  const stop = async (): Promise<void> => {
    await server.close()
    await store.close()
    process.exit(0)
  }
  process.once('SIGTERM', () => void stop())
  process.once('disconnect', () => process.exit(1))
  tell({ kind: 'ready' })
}
