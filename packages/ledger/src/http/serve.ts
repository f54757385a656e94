/** A ledger node as a process: one folder, one lock, one port; whichever engine runs beneath. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import type { Clock } from '@keystead/core'
import type { KeyProvider } from '@keystead/crypto'
import { openKeyFile } from '@keystead/crypto/key-file'
import type { AdmissionPolicy } from '../admission.ts'
import { CometLedger, type CometOptions } from '../engine/comet/engine.ts'
import { readSettings } from '../engine/comet/home.ts'
import { EmbeddedLedger, type EngineOptions } from '../engine/embedded/engine.ts'
import { Signer } from '../engine/embedded/signer.ts'
import type { Ledger } from '../engine/ledger.ts'
import { Checkpoints } from '../export/checkpoints.ts'
import { Cosigning, type WitnessAddress } from '../export/cosigning.ts'
import { KEEP_ALIVE_MS } from '../limits.ts'
import { lockFolder } from '../state/lock.ts'
import { LedgerStore } from '../state/store.ts'
import { ledgerHttp } from './app.ts'
import type { ForwardRpc } from './comet-rpc.ts'
import { Promised } from './promised.ts'

export interface LedgerNodeOptions {
  readonly data: string
  /** Rule 18: the validator's key and what it signed last, outside the data and their backups. */
  readonly signerFolder: string
  readonly host: string
  readonly port: number
  readonly network: EngineOptions['network']
  /** Who may create DIDs through this node; everybody unless it says otherwise. */
  readonly admission?: AdmissionPolicy
  /** Seconds after which a read makes a fresh block first. */
  readonly freshSeconds: number
  readonly clock: Clock
  readonly keys: KeyProvider
  readonly log: (line: string) => void
  /** Whom this node asks to cosign its checkpoints. */
  readonly witnesses?: readonly WitnessAddress[]
}

/** Seconds between blocks of an idle chain: rule 11 counts more than ten minutes as lost. */
const HEARTBEAT_SECONDS = 240

/** Seconds between looks whether the log grew since witnesses cosigned it. */
const ASK_WITNESSES_SECONDS = 5

export interface LedgerNode {
  readonly ledger: Ledger
  readonly url: string
  close(): Promise<void>
}

/** Rejects with `LEDGER_IN_USE`, `LEDGER_BEHIND_SIGNER`, `LEDGER_CORRUPT`, or the system's reason for a taken port. */
export async function serveLedger(options: LedgerNodeOptions): Promise<LedgerNode> {
  mkdirSync(options.data, { recursive: true, mode: 0o700 })
  const unlock = lockFolder(options.data)
  const ledger = await EmbeddedLedger.open({
    store: LedgerStore.open(join(options.data, 'ledger.lmdb')),
    signer: await Signer.open(options.signerFolder, options.keys),
    clock: options.clock,
    network: options.network,
    ...(options.admission ? { admission: options.admission } : {}),
  })
  const heartbeat = setInterval(
    () => void ledger.refresh(HEARTBEAT_SECONDS - 1).catch((error) => options.log(`error ${error}`)),
    HEARTBEAT_SECONDS * 1000,
  )
  return serveEngine(ledger, options, { data: options.data, signerFolder: options.signerFolder }, () => {
    clearInterval(heartbeat)
    unlock()
  })
}

export interface ValidatorNodeOptions
  extends CometOptions,
    Pick<LedgerNodeOptions, 'host' | 'port' | 'freshSeconds' | 'keys' | 'witnesses'> {
  /** Milliseconds after which a submission is answered with its receipt alone. */
  readonly answerWithinMs?: number
}

/**
 * A validator of a network, on CometBFT. Waits for the network's first block. Rejects as `CometLedger.open`, and with
 * `LEDGER_IN_USE`.
 */
export async function serveValidator(options: ValidatorNodeOptions): Promise<LedgerNode> {
  const unlock = lockFolder(options.home)
  try {
    const { signerFolder } = readSettings(options.home)
    const ledger = await CometLedger.open(options)
    const forwardRpc: ForwardRpc = (request) => ledger.forwardRpc(request)
    return await serveEngine(ledger, { ...options, forwardRpc }, { data: options.home, signerFolder }, unlock)
  } catch (error) {
    unlock()
    throw error
  }
}

async function serveEngine(
  ledger: Ledger,
  options: Pick<LedgerNodeOptions, 'host' | 'port' | 'freshSeconds' | 'clock' | 'keys' | 'log' | 'witnesses'> & {
    readonly forwardRpc?: ForwardRpc
  },
  { data, signerFolder }: { readonly data: string; readonly signerFolder: string },
  released: () => void,
): Promise<LedgerNode> {
  const key = await openKeyFile(join(signerFolder, 'node-key.json'), options.keys)
  const checkpoints = new Checkpoints(ledger, key)
  const { clock, witnesses = [], log } = options
  const cosigning = new Cosigning({ ledger, checkpoints, witnesses, clock, fetch, log })
  const promised = Promised.open(join(data, 'promised.sqlite'))
  const app = ledgerHttp(ledger, { ...options, receipts: { key, clock }, promised, checkpoints, cosigning })
  promised.resume(ledger, log)
  const serverOptions = { keepAliveTimeout: KEEP_ALIVE_MS }
  const server = serve({ fetch: app.fetch, hostname: options.host, port: options.port, serverOptions })
  const stop = new AbortController()
  let asking: Promise<void> | undefined
  const close = async (): Promise<void> => {
    stop.abort()
    await asking
    if ('closeAllConnections' in server) server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await ledger.close()
    promised.close()
    released()
  }
  try {
    const port = await new Promise<number>((resolve, reject) => {
      server.once('error', reject)
      server.once('listening', () => {
        const address = server.address()
        resolve(typeof address === 'object' && address ? address.port : options.port)
      })
    })
    if (witnesses.length > 0) asking = cosigning.run(ASK_WITNESSES_SECONDS, stop.signal)
    return { ledger, url: `http://${options.host}:${port}`, close }
  } catch (error) {
    await close()
    throw error
  }
}
