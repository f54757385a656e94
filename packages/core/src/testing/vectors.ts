/** Where the published conformance vectors lie; tests only. They are read in place and never copied into the project. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../..', import.meta.url))

/** The vectors' folder, or undefined where there is none. Throws where `KEYSTEAD_REQUIRE` names them. */
export function vectorsDir(): string | undefined {
  const folder = process.env['KEYSTEAD_VECTORS'] ?? join(root, '..', 'shared', 'vectors')
  if (existsSync(join(folder, 'README.md'))) return folder
  if ((process.env['KEYSTEAD_REQUIRE'] ?? '').split(',').includes('vectors'))
    throw new Error('the conformance vectors are required and absent: set KEYSTEAD_VECTORS to their folder')
  return undefined
}

/** One vector file's text, for use inside suites that `vectorsDir()` did not skip. */
export function readVector(...path: string[]): string {
  return readFileSync(join(vectorsDir() ?? '', ...path), 'utf8')
}
