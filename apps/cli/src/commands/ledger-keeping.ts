/** Keeping a ledger: check and repair it, back it up, restore it, export it, and follow another's. */
import { once } from 'node:events'
import { KeysteadError, systemClock } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { networkHash } from '@keystead/did-dkms'
import { fetchGenesis } from '@keystead/light-client'
import type { Command } from 'commander'
import { DEFAULT_LEDGER } from '../config.ts'
import { EXIT } from '../exit.ts'
import { iso } from '../output.ts'
import { action, type Run } from '../run.ts'

const DEFAULT_DATA = process.env['KEYSTEAD_LEDGER_DATA'] ?? '.keystead/ledger'

/** The node's code is loaded only by those who keep a ledger. */
const node = () => import('@keystead/ledger')

export function keepingCommands(program: Command): void {
  const ledger =
    program.commands.find((command) => command.name() === 'ledger') ??
    program.command('ledger').description('keep a ledger')
  const data = ['--data <folder>', 'the node’s data', DEFAULT_DATA] as const
  ledger
    .command('fsck')
    .description('check everything that is on disk, also beside a running node')
    .option(...data)
    .option('--repair', 'write again what follows from what is whole; the node must be stopped')
    .action(action(program, fsck))
  ledger
    .command('backup')
    .description(
      'write a backup to a new folder, also beside a running node, but of a stopped validator; keys are in none',
    )
    .argument('<folder>', 'the backup')
    .option(...data)
    .action(action(program, backup))
  ledger
    .command('restore')
    .description('restore a backup into an empty folder, or a validator’s folder that has its keys and no state')
    .argument('<folder>', 'the backup')
    .option(...data)
    .option('--signer <folder>', 'where the validator’s key is, and what it signed last')
    .option('--new-checkpoint', 'give up what was signed after the backup: wallets that saw it will refuse this ledger')
    .action(action(program, restore))
  ledger
    .command('export')
    .description('write the log as JSON lines to standard output, and the head that proves it')
    .option(...data)
    .option('--after <entries>', 'number of entries you have already', '0')
    .action(action(program, exportLines))
  ledger
    .command('mirror')
    .description('follow a ledger: execute every operation anew, believe what the network signed')
    .argument('<folder>', 'where the mirror is kept; it goes on where it was')
    .option('--url <url>', 'a ledger node', DEFAULT_LEDGER)
    .option('--network <hash>', 'the network, when you know its name')
    .option('--follow', 'stay and take what comes, until Ctrl-C')
    .action(action(program, mirror))
}

async function fsck({ out, signal }: Run, { data, repair }: { data: string; repair?: boolean }): Promise<number> {
  const ledger = await node()
  const remaining = await (repair ? ledger.repair : ledger.fsck)({
    data,
    signal,
    onFault: ({ code, where, message, repair: derived }) =>
      out.event('fault', `${code}  ${where} ${message}${derived ? ' (can be derived)' : ''}`, {
        code,
        where,
        message,
        repairable: derived !== undefined,
      }),
    onProgress: ({ checked, records }) => out.note(`${records} records (${checked}) ...`),
  })
  if (remaining.length === 0) {
    out.result('No fault.', { faults: 0 })
    return EXIT.ok
  }
  const derived = remaining.filter((fault) => fault.repair).length
  out.result(
    [
      `${remaining.length} ${remaining.length === 1 ? 'fault' : 'faults'}.`,
      ...(derived > 0 ? ['Stop the node and add --repair: it writes again what can be derived.'] : []),
      ...(derived < remaining.length ? ['What cannot be derived comes back with "keystead ledger restore".'] : []),
    ],
    { faults: remaining.length, repairable: derived },
  )
  return EXIT.negative
}

async function backup({ out, signal }: Run, folder: string, { data }: { data: string }): Promise<void> {
  const { backupLedger, backupValidator, isValidatorFolder } = await node()
  if (isValidatorFolder(data)) {
    const { network, height, files } = await backupValidator(data, folder)
    const text = `${folder} holds this validator’s state and blocks up to height ${height}.`
    const result = { folder, network, height, files: files.length }
    out.result([text, 'Its keys and its record of signatures are not in it: keep those apart.'], result)
    return
  }
  const { genesis, head, snapshot } = await backupLedger(data, folder, {
    signal,
    onProgress: ({ chunks }) => out.note(`${chunks} chunks ...`),
  })
  const { height } = head.header
  out.result(
    [
      `${folder} holds ${genesis.chainId} up to height ${height}, ${snapshot.logSize} operations.`,
      'The validator’s key is not in it: keep that apart.',
    ],
    { folder, network: networkHash(genesis), height, logSize: snapshot.logSize, chunks: snapshot.chunks.length },
  )
}

interface RestoreArguments {
  readonly data: string
  readonly signer?: string
  readonly newCheckpoint?: boolean
}

async function restore({ out, signal }: Run, folder: string, options: RestoreArguments): Promise<void> {
  const { isValidatorBackup, restoreLedger, restoreValidator } = await node()
  if (isValidatorBackup(folder)) {
    const { network, height } = restoreValidator(folder, options.data)
    out.result(`${options.data} is at height ${height}; "keystead ledger start" catches up.`, { network, height })
    return
  }
  const { backup: from, abandoned } = await restoreLedger({
    backup: folder,
    data: options.data,
    signerFolder: options.signer ?? `${options.data}-signer`,
    keys: nodeKeyProvider(),
    newCheckpoint: options.newCheckpoint === true,
    signal,
    onProgress: ({ chunk, chunks }) => out.note(`chunk ${chunk} of ${chunks} ...`),
  })
  const { height, time } = from.head.header
  out.result(
    [
      `${options.data} is at height ${height} of ${iso(time.seconds)}, ${from.snapshot.logSize} operations.`,
      ...(abandoned
        ? [
            `Given up: everything up to height ${abandoned.height} that was signed since. Wallets that saw it say LEDGER_ROLLBACK.`,
          ]
        : []),
    ],
    { height, logSize: from.snapshot.logSize, ...(abandoned ? { abandonedHeight: abandoned.height } : {}) },
  )
}

async function exportLines({ signal }: Run, options: { data: string; after: string }): Promise<void> {
  const { exportFolder } = await node()
  for (const line of exportFolder(options.data, wholeNumber(options.after))) {
    signal.throwIfAborted()
    if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain')
  }
}

interface MirrorArguments {
  readonly url: string
  readonly network?: string
  readonly follow?: boolean
}

async function mirror({ out, signal }: Run, folder: string, options: MirrorArguments): Promise<void> {
  const { feedMirror, openMirror, readExport } = await node()
  const genesis = await fetchGenesis(fetch, options.url, options.network)
  const { mirror: own, accept, close } = openMirror({ folder, genesis, url: options.url, fetch, clock: systemClock })
  try {
    for (let logSize = own.size + 1; own.size < logSize || options.follow; ) {
      const lines = readExport({ url: options.url, fetch, signal }, own.size, options.follow === true)
      await feedMirror(own, lines, accept, (progress) => {
        logSize = progress.logSize
        out.event('verified', `${progress.size} of ${progress.logSize} operations, height ${progress.height}`, progress)
      })
    }
  } finally {
    await close()
  }
  out.result(`${folder} mirrors ${genesis.chainId}: ${own.size} operations, all verified.`, {
    folder,
    network: networkHash(genesis),
    logSize: own.size,
  })
}

function wholeNumber(text: string): number {
  if (/^(0|[1-9]\d{0,14})$/.test(text)) return Number(text)
  throw new KeysteadError('BAD_REQUEST', `"${text}" is not a number of entries`)
}
