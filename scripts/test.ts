/**
 * `npm test`: checks, then every test, then what was skipped and how to bring it, then the closing line
 * `N passed, N failed, N skipped`. `KEYSTEAD_REQUIRE=vectors,chromium` turns a missing prerequisite into a failure.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findCometbft, INSTALL_COMETBFT } from '../packages/ledger/src/engine/comet/binary.ts'
import { findGo } from '../packages/ledger/src/engine/comet/install.ts'
import { canMakeNetworkNamespaces } from '../packages/ledger/src/engine/comet/testing/namespaces.ts'
import { check } from './check.ts'
import { canKeepKeys } from './keyring.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly numFailedTestSuites: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message?: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

/** What a test may need beyond npm packages: the word in a skipped title, whether it is here, how to bring it. */
const PREREQUISITES = [
  {
    word: 'vectors',
    present: () =>
      existsSync(join(process.env['KEYSTEAD_VECTORS'] ?? join(root, '..', 'shared', 'vectors'), 'README.md')),
    bring: 'set KEYSTEAD_VECTORS to a folder with the published vectors (CONTRIBUTING.md says where each comes from)',
  },
  {
    word: 'chromium',
    present: () => existsSync(process.env['KEYSTEAD_CHROMIUM'] ?? '/usr/bin/chromium'),
    bring: 'apt-get install chromium, or set KEYSTEAD_CHROMIUM to the binary',
  },
  {
    word: 'cometbft',
    present: () => findCometbft() !== undefined,
    bring: `with Go 1.22 or newer: ${INSTALL_COMETBFT}`,
  },
  {
    word: 'go',
    present: () => findGo() !== undefined,
    bring: 'install Go 1.22 or newer (https://go.dev/dl): it builds CometBFT where that is missing',
  },
  {
    word: 'netns',
    present: () => process.platform === 'linux' && process.getuid?.() === 0 && canMakeNetworkNamespaces(),
    bring:
      'run the tests as root on Linux with iproute2: validators are cut off from one another in network namespaces',
  },
  {
    word: 'postgresql',
    present: () => existsSync('/usr/lib/postgresql') && readdirSync('/usr/lib/postgresql').length > 0,
    bring: 'apt-get install postgresql (the tests start servers of their own; none needs to run)',
  },
  {
    word: 'keyring',
    present: () => process.platform === 'linux' && canKeepKeys(),
    bring: 'apt-get install gnome-keyring dbus: a Secret Service of its own is started for the test',
  },
  {
    word: 'tmpfs',
    present: () => process.platform === 'linux' && process.getuid?.() === 0,
    bring: 'run the tests as root on Linux: a small disk is mounted, filled and unmounted',
  },
]

function vitest(args: string[], output: string): Promise<number> {
  const child = spawn(
    process.execPath,
    [
      join(root, 'node_modules', 'vitest', 'vitest.mjs'),
      'run',
      '--reporter=dot',
      '--reporter=json',
      `--outputFile.json=${output}`,
      ...args,
    ],
    // A log file should hold text, not colours.
    { cwd: root, stdio: 'inherit', env: process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: '1' } },
  )
  return new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)))
}

const required = (process.env['KEYSTEAD_REQUIRE'] ?? '').split(',').filter(Boolean)
const checksHold = check()
const folder = mkdtempSync(join(tmpdir(), 'keystead-test-'))
const output = join(folder, 'report.json')
const status = await vitest(process.argv.slice(2), output)
const report: Report | undefined = existsSync(output) ? JSON.parse(readFileSync(output, 'utf8')) : undefined
rmSync(folder, { recursive: true, force: true })

const missing = PREREQUISITES.filter((prerequisite) => !prerequisite.present())
for (const { word, bring } of missing) console.log(`\nSkipped for want of ${word}: ${bring}`)
for (const file of report?.testResults ?? []) {
  for (const test of file.assertionResults)
    if (test.status === 'pending' || test.status === 'skipped') console.log(`  skipped: ${test.fullName}`)
  if (file.status === 'failed' && file.assertionResults.length === 0)
    console.log(`  could not run ${file.name}: ${file.message}`)
}
// A file that could not even load, a failed check or a missing requirement counts as one failure each.
const unloadable = (report?.testResults ?? []).filter(
  (f) => f.status === 'failed' && f.assertionResults.length === 0,
).length
const lacking = missing.filter((prerequisite) => required.includes(prerequisite.word)).length
const passed = report?.numPassedTests ?? 0
const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0)
let failed = (report?.numFailedTests ?? 0) + unloadable + lacking + (checksHold ? 0 : 1)
if (status !== 0 && failed === 0) failed = 1
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exit(failed === 0 ? 0 : 1)
