/** Looks for known secrets in bytes, in every form in which programs write bytes or text. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What is looked for, by the name that a finding is reported under: the secret itself is never printed. */
export type Secrets = ReadonlyMap<string, Buffer>

/** Encodings of a secret: itself, hexadecimal, base64 at each of the three offsets within other bytes, UTF-16. */
function formsOf(secret: Buffer): Buffer[] {
  const hex = secret.toString('hex')
  const base64 = [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), secret]).toString('base64')
    // Characters that share bits with what stands before or after are left out.
    const inner = text.slice(offset === 0 ? 0 : offset + 1, Math.floor(((offset + secret.length) * 8) / 6))
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')]
  })
  const text = [hex, hex.toUpperCase(), ...base64].map((form) => Buffer.from(form))
  return [secret, Buffer.from(secret.toString('latin1'), 'utf16le'), ...text]
}

export class Scanner {
  readonly #forms: readonly { name: string; form: Buffer }[]

  constructor(secrets: Secrets) {
    this.#forms = [...secrets].flatMap(([name, secret]) => formsOf(secret).map((form) => ({ name, form })))
  }

  /** Names of the secrets that stand in `bytes`. */
  find(bytes: Buffer): string[] {
    return [...new Set(this.#forms.filter(({ form }) => bytes.includes(form)).map(({ name }) => name))]
  }

  /** `<file>: <secret>` for every file under `folder` but those named. */
  findInFiles(folder: string, except: ReadonlySet<string>): { found: string[]; files: number } {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => !except.has(file))
    return {
      found: files.flatMap((file) => this.find(readFileSync(file)).map((name) => `${file}: ${name}`)),
      files: files.length,
    }
  }
}
