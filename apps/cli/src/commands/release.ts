/** Delivery that cannot be changed, exchanged, held back or delayed unseen (spec/release.md): anchored by its maker, checked by anybody. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KeysteadError } from '@keystead/core'
import type { Command } from 'commander'
import { EXIT } from '../exit.ts'
import { iso } from '../output.ts'
import { filesOf, MANIFEST, type Manifest, manifestBytes, manifestRoot, parseManifest } from '../release-manifest.ts'
import { judgeRelease } from '../release-verdict.ts'
import { action, type Run, withWallet } from '../run.ts'
import type { OpenWallet } from '../wallet.ts'
import { days } from './device.ts'

export function releaseCommands(program: Command): void {
  const release = program.command('release').description('releases of software: say what one is, and check one')
  release
    .command('publish <folder>')
    .description(
      `as its maker, with a wallet for this alone: write ${MANIFEST} into the folder, and anchor it on the ledger`,
    )
    .requiredOption('--name <name>', 'of the software')
    .requiredOption('--release <version>', 'which one this is')
    .option('--next-days <n>', 'by when you speak again, if only to say that all is well', '90')
    .option('--flaw <id: text...>', 'what is known to be wrong; "id: text", or "id (fixed in 1.2): text"')
    .action(
      action(program, (run, folder: string, options: PublishOptions) =>
        withWallet(run, (wallet) => publish(run, wallet, folder, options)),
      ),
    )
  release
    .command('verify <folder>')
    .description('is this what its maker released, all of it and nothing else, and the newest?')
    .requiredOption('--by <did>', 'the maker’s DID, as you know it from elsewhere')
    .action(
      action(program, (run, folder: string, options: { by: string }) =>
        withWallet(run, (wallet) => verify(run, wallet, folder, options.by)),
      ),
    )
}

interface PublishOptions {
  readonly name: string
  readonly release: string
  readonly nextDays: string
  readonly flaw?: readonly string[]
}

async function publish(run: Run, { agent }: OpenWallet, folder: string, options: PublishOptions): Promise<void> {
  const { did } = await agent.publicIdentity()
  const { history } = await agent.edge.ports.ledger.history(did)
  const made = Math.floor(Date.now() / 1000)
  const manifest: Manifest = {
    v: 1,
    name: options.name,
    version: options.release,
    n: history.anchors.length + 1,
    made,
    nextBy: made + days(options.nextDays) * 86_400,
    files: await filesOf(folder),
    flaws: (options.flaw ?? []).map(flaw),
  }
  const bytes = manifestBytes(parseManifest(manifestBytes(manifest)))
  // The statement is on disk before the ledger names it: one that nobody has would look held back.
  await writeFile(join(folder, MANIFEST), bytes, { flush: true })
  await agent.anchor(manifestRoot(manifest))
  run.out.result(
    [
      `${manifest.name} ${manifest.version}: ${manifest.files.length} files, statement ${manifest.n} of ${did}`,
      `The next statement is due by ${iso(manifest.nextBy).slice(0, 10)}.`,
    ],
    { did, n: manifest.n, files: manifest.files.length, root: manifestRoot(manifest), nextBy: manifest.nextBy },
  )
}

function flaw(text: string): Manifest['flaws'][number] {
  const [, id, fixedIn, said] = /^(\S+?)(?: \(fixed in ([^)]+)\))?: (.+)$/s.exec(text) ?? []
  if (id === undefined || said === undefined)
    throw new KeysteadError('BAD_OPTION', 'a flaw is "id: text", or "id (fixed in version): text"')
  return { id, text: said, ...(fixedIn === undefined ? {} : { fixedIn }) }
}

/** RELEASE-3. The exit status says no for anything but the newest statement, whole and in time. */
async function verify(run: Run, { agent }: OpenWallet, folder: string, did: string): Promise<number> {
  const manifest = parseManifest(await readManifest(folder))
  const { history, at } = await agent.history(did)
  const { anchored, newer, wrong } = judgeRelease(manifest, await filesOf(folder), history, at.time)
  const told = manifest.flaws.map(
    ({ id, text, fixedIn }) => `known  ${id}${fixedIn ? `, fixed in ${fixedIn}` : ''}: ${text}`,
  )
  const good = wrong.length === 0
  run.out.result(
    [
      good
        ? `${manifest.name} ${manifest.version} is what ${did} released ${iso(anchored ?? 0)}, all of it and nothing else.`
        : `This is not to be trusted as ${manifest.name} ${manifest.version}:`,
      ...wrong.map((one) => `  ${one}`),
      ...told,
    ],
    {
      good,
      name: manifest.name,
      version: manifest.version,
      n: manifest.n,
      files: manifest.files.length,
      anchored: anchored ?? null,
      newer,
      wrong: [...wrong],
      flaws: manifest.flaws.map((one) => ({ ...one })),
    },
  )
  return good ? EXIT.ok : EXIT.negative
}

async function readManifest(folder: string): Promise<Uint8Array> {
  try {
    return await readFile(join(folder, MANIFEST))
  } catch (cause) {
    throw new KeysteadError('BAD_RELEASE', `there is no ${MANIFEST} in this folder`, { cause })
  }
}
