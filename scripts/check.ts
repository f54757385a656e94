/** `npm run check`: types (edge packages without Node types, then everything), style, and the direction of imports. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Imports only go up this list (architecture). Apps may import every package, packages no app. */
const ORDER = [
  'core',
  'crypto',
  'did',
  'did-dkms',
  'microledger',
  'light-client',
  'ledger',
  'wallet',
  'didcomm',
  'credentials',
  'recovery',
  'agent',
  'sdk',
  'testkit',
]

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !entry.parentPath.includes('node_modules'))
    .map((entry) => join(entry.parentPath, entry.name))
}

/** One line for each import that goes down the list, reaches into another package's files, or is undeclared. */
export function wrongImports(): string[] {
  const wrong: string[] = []
  for (const [position, name] of ORDER.entries()) {
    const folder = join(root, 'packages', name)
    let files: string[]
    try {
      files = sourceFiles(join(folder, 'src'))
    } catch {
      continue
    }
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>
    }
    for (const file of files) {
      const test = file.endsWith('.test.ts') || file.includes('/testing/')
      for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(/(?:from|import\() ?'(@keystead\/[a-z-]+)/g)) {
        const other = target.slice('@keystead/'.length)
        const place = ORDER.indexOf(other)
        if (place < 0) wrong.push(`${file}: imports ${target}, which is not a package`)
        else if (place > position || (place === position && !test))
          wrong.push(`${file}: ${name} must not import ${other}`)
        else if (!test && !manifest.dependencies?.[target]) wrong.push(`${file}: ${target} is not in package.json`)
      }
    }
  }
  return wrong
}

function run(what: string, command: string, args: string[]): boolean {
  process.stderr.write(`${what} ... `)
  const done = spawnSync(command, args, { cwd: root, encoding: 'utf8' })
  if (done.status === 0) {
    process.stderr.write('ok\n')
    return true
  }
  process.stderr.write(`failed\n${done.stdout}${done.stderr}\n`)
  return false
}

export function check(): boolean {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome')
  const results = [
    run('types of the edge, without Node', process.execPath, [tsc, '-p', 'tsconfig.edge.json']),
    run('types of everything', process.execPath, [tsc, '-p', 'tsconfig.json']),
    run('style', process.execPath, [biome, 'check', '--error-on-warnings', '.']),
  ]
  const wrong = wrongImports()
  process.stderr.write(`direction of imports ... ${wrong.length === 0 ? 'ok' : `failed\n${wrong.join('\n')}`}\n`)
  return results.every(Boolean) && wrong.length === 0
}

if (import.meta.main) process.exit(check() ? 0 : 1)
