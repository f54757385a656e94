/** Passphrase and PIN: from a file, a descriptor, or a prompt that does not echo. Never an argument, never the environment. */
import { readFileSync } from 'node:fs'
import { stderr, stdin } from 'node:process'
import { base64url, KeysteadError } from '@keystead/core'
import { inspectVault, type Unlock } from '@keystead/wallet'
import { sqliteVaultStore } from '@keystead/wallet/node'
import { keyringKey } from './keyring.ts'

export interface PassphraseSource {
  readonly passphraseFile?: string
  readonly passphraseFd?: string
  /** A key that `wallet add-key` wrote, instead of a passphrase. */
  readonly keyFile?: string
  /** What `wallet add-keyring` keeps in the system's keyring. */
  readonly keyring?: boolean
}

/** `twice` asks again, when the passphrase is new. Throws `NO_PASSPHRASE` where there is nobody to ask. */
export async function readPassphrase(source: PassphraseSource, options: { twice?: boolean } = {}): Promise<string> {
  const file = source.passphraseFile ?? process.env['KEYSTEAD_PASSPHRASE_FILE']
  if (source.passphraseFd !== undefined) return checked(readFileSync(Number(source.passphraseFd), 'utf8'))
  if (file !== undefined) return checked(readFileSync(file, 'utf8'))
  if (!stdin.isTTY)
    throw new KeysteadError('NO_PASSPHRASE', 'no terminal to ask on: use --passphrase-file or --passphrase-fd')
  const first = await ask('Passphrase: ')
  if (options.twice && (await ask('The same again: ')) !== first)
    throw new KeysteadError('NO_PASSPHRASE', 'the two passphrases differ')
  return checked(first)
}

/** What opens the wallet that exists in `folder`: the keyring, a key in a file, or a passphrase. */
export async function readUnlock(source: PassphraseSource, folder: string): Promise<Unlock> {
  if (source.keyring) {
    const { id } = await inspectVault(sqliteVaultStore(folder))
    return { kind: 'keyring', key: await keyringKey(id) }
  }
  if (source.keyFile === undefined) return { kind: 'passphrase', passphrase: await readPassphrase(source) }
  try {
    return { kind: 'raw', key: base64url.decode(readFileSync(source.keyFile, 'utf8').trim()) }
  } catch (cause) {
    throw new KeysteadError('NO_PASSPHRASE', 'the key file cannot be read, or holds no key', { cause })
  }
}

/** A new passphrase beside the one that opens the wallet: from a file, or asked for twice. */
export async function readNewPassphrase(file: string | undefined): Promise<string> {
  if (file !== undefined) return checked(readFileSync(file, 'utf8'))
  if (!stdin.isTTY) throw new KeysteadError('NO_PASSPHRASE', 'no terminal to ask on: use --new-passphrase-file')
  const first = await ask('New passphrase: ')
  if ((await ask('The same again: ')) !== first) throw new KeysteadError('NO_PASSPHRASE', 'the two passphrases differ')
  return checked(first)
}

/** The passphrase of an export: from a file, or asked for, twice when it is new. */
export async function readExportPassphrase(file: string | undefined, fresh: boolean): Promise<string> {
  if (file !== undefined) return checked(readFileSync(file, 'utf8'))
  if (!stdin.isTTY)
    throw new KeysteadError('NO_PASSPHRASE', 'no terminal to ask on: use --export-passphrase-file, or age keys')
  const first = await ask('Passphrase of the export: ')
  if (fresh && (await ask('The same again: ')) !== first)
    throw new KeysteadError('NO_PASSPHRASE', 'the two passphrases differ')
  return checked(first)
}

/** A file as `age-keygen` writes it: identities, and comments. */
export function readAgeIdentities(file: string): string[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new KeysteadError('BAD_RECIPIENT', `${file} cannot be read`, { cause })
  }
  const lines = text.split(/\r?\n/)
  return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))
}

export interface PinSource {
  readonly pin?: boolean
  readonly pinFile?: string
}

/** The PIN of a recovery, as the passphrase: from a file, or a prompt that does not echo; undefined where none is meant. */
export async function readPin(source: PinSource, options: { twice?: boolean } = {}): Promise<string | undefined> {
  if (source.pinFile !== undefined)
    try {
      return readFileSync(source.pinFile, 'utf8').trim()
    } catch (cause) {
      throw new KeysteadError('NO_PIN', 'the PIN file cannot be read', { cause })
    }
  if (!source.pin) return undefined
  if (!stdin.isTTY) throw new KeysteadError('NO_PIN', 'no terminal to ask for the PIN on: use --pin-file')
  const first = await ask('PIN: ')
  if (options.twice && (await ask('The same again: ')) !== first)
    throw new KeysteadError('NO_PIN', 'the two PINs differ')
  return first.trim()
}

/** One trailing newline belongs to the file, not to the passphrase. */
function checked(text: string): string {
  const passphrase = text.replace(/\r?\n$/, '')
  if (passphrase.length < 8) throw new KeysteadError('NO_PASSPHRASE', 'a passphrase has at least 8 characters')
  return passphrase
}

function ask(question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let typed = ''
    stderr.write(question)
    stdin.setRawMode(true)
    stdin.resume()
    const end = (): void => {
      stdin.off('data', take)
      stdin.setRawMode(false)
      stdin.pause()
      stderr.write('\n')
    }
    const take = (data: Buffer): void => {
      for (const character of data.toString('utf8')) {
        if (character === '\r' || character === '\n') {
          end()
          resolve(typed)
          return
        }
        if (character === '\u0003') {
          end()
          reject(new KeysteadError('INTERRUPTED', 'interrupted'))
          return
        }
        typed = character === '\u007f' ? typed.slice(0, -1) : typed + character
      }
    }
    stdin.on('data', take)
  })
}

/** One line typed by a person, echoed. */
export function askLine(question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    if (!stdin.isTTY) return reject(new KeysteadError('NO_INPUT', 'no terminal to ask on; give the value as an option'))
    stderr.write(question)
    stdin.resume()
    stdin.once('data', (data) => {
      stdin.pause()
      resolve(data.toString('utf8').trim())
    })
  })
}
