/** The wallet itself: what opens it, and whether it is whole. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { base64url, KeysteadError, systemRandom } from '@keystead/core'
import type { KeyslotInfo, Vault } from '@keystead/wallet'
import type { Command } from 'commander'
import { EXIT } from '../exit.ts'
import { forgetInKeyring, keepInKeyring } from '../keyring.ts'
import { readAgeIdentities, readExportPassphrase, readNewPassphrase } from '../passphrase.ts'
import { action, type Run, withWallet } from '../run.ts'
import type { OpenWallet } from '../wallet.ts'

export function walletCommands(program: Command): void {
  const wallet = program.command('wallet').description('what opens this wallet, and whether it is whole')

  wallet
    .command('slots', { isDefault: true })
    .description('everything that opens this wallet')
    .action(
      action(program, (run) =>
        withWallet(run, async ({ vault }) => {
          const slots = await vault.keyslots()
          run.out.result(slots.map(slotLine), {
            slots: slots.map(({ slotId, kind, label }) => ({ slotId, kind, label })),
          })
        }),
      ),
    )

  wallet
    .command('passphrase')
    .description('change the passphrase; nothing else is written anew')
    .option('--new-passphrase-file <file>', 'read the new passphrase from a file')
    .action(
      action(program, (run, options: { newPassphraseFile?: string }) =>
        withWallet(run, async (opened) => {
          const slots = (await opened.vault.keyslots()).filter(({ kind }) => kind === 'passphrase')
          const [slot, ...others] = slots
          const passphrase = await readNewPassphrase(options.newPassphraseFile)
          if (others.length > 0)
            throw new KeysteadError(
              'SEVERAL_PASSPHRASES',
              'several passphrases open this wallet: add one, then remove one',
            )
          const unlock = { kind: 'passphrase', passphrase } as const
          const info = slot
            ? await opened.vault.changeKeyslot(slot.slotId, unlock)
            : await opened.vault.addKeyslot(unlock)
          run.out.result('Changed. Older copies of the wallet’s file still open with the passphrase before.', {
            slotId: info.slotId,
          })
        }),
      ),
    )

  wallet
    .command('add-passphrase')
    .description('another passphrase beside those there are')
    .option('--new-passphrase-file <file>', 'read it from a file')
    .option('--label <text>', 'what you call it', '')
    .action(
      action(program, (run, options: { newPassphraseFile?: string; label: string }) =>
        withWallet(run, async ({ vault }) => {
          const passphrase = await readNewPassphrase(options.newPassphraseFile)
          added(run, await vault.addKeyslot({ kind: 'passphrase', passphrase }, options.label))
        }),
      ),
    )

  wallet
    .command('add-key <file>')
    .description('a key in a file, for a server that nobody types a passphrase into: then use --key-file')
    .option('--label <text>', 'what you call it', '')
    .action(
      action(program, (run, file: string, options: { label: string }) =>
        withWallet(run, async ({ vault }) => {
          const key = systemRandom(32)
          // On disk first: a slot whose key was lost would be of no use.
          writeFileSync(file, `${base64url.encode(key)}\n`, { mode: 0o600, flag: 'wx', flush: true })
          added(run, await vault.addKeyslot({ kind: 'raw', key }, options.label))
          key.fill(0)
        }),
      ),
    )

  wallet
    .command('add-keyring')
    .description("a key in this system's keyring, open while you are logged in: then use --keyring")
    .option('--label <text>', 'what you call it', 'keyring')
    .action(
      action(program, (run, options: { label: string }) =>
        withWallet(run, async ({ vault }) => {
          const key = systemRandom(32)
          try {
            // In the keyring first: a slot whose key was lost would be of no use.
            await keepInKeyring(vault.id, key)
            added(run, await addOrForget(vault, key, options.label))
          } finally {
            key.fill(0)
          }
        }),
      ),
    )

  wallet
    .command('remove <slot>')
    .description('what opened this wallet opens it no more')
    .action(
      action(program, (run, name: string) =>
        withWallet(run, async ({ vault }) => {
          const found = (await vault.keyslots()).filter(({ slotId }) => slotId.startsWith(name))
          const [slot, ...others] = found
          if (!slot || others.length > 0)
            throw new KeysteadError('NO_SUCH_KEYSLOT', `${found.length} keyslots begin with "${name}"`)
          await vault.removeKeyslot(slot.slotId)
          const more = (await vault.keyslots()).some(({ kind }) => kind === 'keyring')
          if (slot.kind === 'keyring' && !more) await forgetInKeyring(vault.id).catch(() => false)
          run.out.result('Removed. Older copies of the wallet’s file still open with it.', { slotId: slot.slotId })
        }),
      ),
    )

  portabilityCommands(wallet, program)

  wallet
    .command('check')
    .description('open every record and key, and say what is damaged')
    .option('--quarantine', 'put what is damaged aside, into a folder beside the wallet, and mend the index')
    .action(
      action(program, (run, options: { quarantine?: boolean }) =>
        withWallet(run, (opened) => check(run, opened, options.quarantine === true)),
      ),
    )
}

async function addOrForget(vault: Vault, key: Uint8Array, label: string): Promise<KeyslotInfo> {
  try {
    return await vault.addKeyslot({ kind: 'keyring', key }, label)
  } catch (error) {
    await forgetInKeyring(vault.id)
    throw error
  }
}

function portabilityCommands(wallet: Command, program: Command): void {
  wallet
    .command('export <file>')
    .description('data and metadata as an age file; keys stay in this wallet')
    .option('--recipient <age1...>', 'who can open it; may be repeated', gather, [])
    .option('--export-passphrase-file <file>', 'a passphrase that opens it, instead of recipients')
    .action(
      action(program, (run, file: string, options: { recipient: string[]; exportPassphraseFile?: string }) =>
        withWallet(run, async ({ agent }) => {
          const { recipient: recipients, exportPassphraseFile } = options
          if (existsSync(file)) throw new KeysteadError('FILE_EXISTS', `${file} is there already`)
          const to =
            recipients.length > 0
              ? { recipients }
              : { passphrase: await readExportPassphrase(exportPassphraseFile, true) }
          const exported = await agent.exportWallet(to)
          writeFileSync(file, exported.file, { mode: 0o600, flag: 'wx', flush: true })
          const { records, keys } = exported
          run.out.result(
            `${records} records, and what is known of ${keys} keys, written to ${file}. No private key is in it.`,
            {
              file,
              records,
              keys,
            },
          )
        }),
      ),
    )

  wallet
    .command('import <file>')
    .description('records of an export; DIDs and contacts come as memories, for their keys stayed')
    .option('--identity-file <file>', 'an age identity that opens it')
    .option('--export-passphrase-file <file>', 'the passphrase that opens it')
    .action(
      action(program, (run, file: string, options: { identityFile?: string; exportPassphraseFile?: string }) =>
        withWallet(run, async ({ agent }) => {
          const { identityFile, exportPassphraseFile } = options
          const key =
            identityFile === undefined
              ? { passphrase: await readExportPassphrase(exportPassphraseFile, false) }
              : { identities: readAgeIdentities(identityFile) }
          const { wallet: from, added, kept, left } = await agent.importWallet(readExport(file), key)
          run.out.result(
            [
              `${added} records taken in; ${kept} were here already; ${left} mean something only where their keys are.`,
              'DIDs and contacts are memories here: "keystead recover" brings control back.',
            ],
            { from, added, kept, left },
          )
        }),
      ),
    )
}

function readExport(file: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(readFileSync(file))
  } catch (cause) {
    throw new KeysteadError('BAD_EXPORT', `${file} cannot be read`, { cause })
  }
}

const gather = (value: string, before: string[]): string[] => [...before, value]

const slotLine = ({ slotId, kind, label }: KeyslotInfo): string => `${slotId.slice(0, 8)}  ${kind.padEnd(10)} ${label}`

function added(run: Run, info: KeyslotInfo): void {
  run.out.result(`Added: ${slotLine(info)}`, { slotId: info.slotId, kind: info.kind, label: info.label })
}

async function check(run: Run, { vault, folder }: OpenWallet, quarantine: boolean): Promise<number> {
  const { records, keys, damaged, unfindable } = await vault.check()
  const counted = `${records} records and ${keys} keys opened`
  if (damaged.length + unfindable.length === 0) {
    run.out.result(`${counted}; the wallet is whole.`, { records, keys, damaged, unfindable })
    return EXIT.ok
  }
  const lines = [
    ...damaged.map(({ id, segment }) => `  ${id}  in ${segment}, damaged`),
    ...unfindable.map((id) => `  ${id}  wrong in the index`),
  ]
  if (!quarantine) {
    const wrong = `${damaged.length} are damaged, ${unfindable.length} are wrong in the index`
    run.out.result(
      [`${counted}; ${wrong}:`, ...lines, 'With --quarantine what is damaged is put aside, and the index mended.'],
      {
        records,
        keys,
        damaged,
        unfindable,
      },
    )
    return EXIT.badData
  }
  const aside = join(folder, 'quarantine')
  mkdirSync(aside, { recursive: true, mode: 0o700 })
  for (const { id, segment, generation, blob } of await vault.quarantine(damaged.map(({ id }) => id))) {
    const kept = { id, segment, generation, blob: base64url.encode(blob) }
    writeFileSync(join(aside, `${id}.json`), JSON.stringify(kept), { mode: 0o600, flush: true })
  }
  if (unfindable.length > 0) await vault.rebuildIndex()
  run.out.result([`${counted}; put aside into ${aside}, or mended:`, ...lines], {
    records,
    keys,
    damaged,
    unfindable,
    quarantine: aside,
  })
  return EXIT.ok
}
