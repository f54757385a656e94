/** `npm start`: the whole system on embedded defaults, until Ctrl-C. Its data stays in `.keystead/` of this folder. */

import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type PartName, System } from './system.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values } = parseArgs({
  options: {
    home: { type: 'string', default: process.env['KEYSTEAD_HOME'] ?? join(root, '.keystead') },
    profile: { type: 'string', default: 'development' },
    agencies: { type: 'string', default: '1' },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (values.help) {
  console.log(`npm start [-- --home FOLDER] [-- --profile development|production] [-- --agencies N] [-- --verbose]

Runs a ledger node, an agency and the wallet page on this machine, bound to loopback, until Ctrl-C.
With --agencies 3 to 7 there are further agencies, to try recovery by PIN: they are labelled as demonstrations, for whoever
runs them all can find a PIN.
Ports: KEYSTEAD_LEDGER_PORT (7710), KEYSTEAD_AGENCY_PORT (7720, further agencies count on), KEYSTEAD_WEB_PORT (7730).`)
  process.exit(0)
}
if (values.profile !== 'development' && values.profile !== 'production') {
  console.error('--profile must be development or production')
  process.exit(64)
}

if (!/^[1-7]$/.test(values.agencies)) {
  console.error('--agencies must be 1 to 7')
  process.exit(64)
}

const port = (name: string, fallback: number): number => Number(process.env[`KEYSTEAD_${name}_PORT`] ?? fallback)
const more = Array.from({ length: Number(values.agencies) - 1 }, (_, i): PartName => `agency${i + 2}`)
const morePorts = Object.fromEntries(more.map((name, i) => [name, port('AGENCY', 7720) + i + 1]))
let started = false

console.log('Starting Keystead ...')
const system = await System.start({
  home: values.home,
  ports: { ledger: port('LEDGER', 7710), agency: port('AGENCY', 7720), web: port('WEB', 7730), ...morePorts },
  parts: ['ledger', 'agency', ...more, 'web'],
  profile: values.profile,
  log: (part, line) => {
    if (values.verbose) console.log(`  ${part.padEnd(7)} ${line}`)
    else if (!started || /"level":"error"|starting it again|^error|keeps stopping|^\w+ ready/i.test(line))
      console.log(`  ${part.padEnd(7)} ${line.length > 110 ? `${line.slice(0, 110)}...` : line}`)
  },
}).catch((error: Error) => {
  console.error(`\nKeystead could not start: ${error.message}`)
  process.exit(1)
})
started = true

console.log(`
Keystead runs.
  Ledger node   ${system.url('ledger')}/1.0/identifiers/{did}
                one validator, on the embedded engine; npm run network starts four
  Agency        ${system.url('agency')}
${more.map((name) => `  Demonstration ${system.url(name)}\n`).join('')}  Wallet page   ${system.url('web')}
  Data          ${relative(process.cwd(), values.home) || '.'}  (kept: the next npm start goes on from it)

Next, in another terminal:
  npx keystead init --wallet alice        a wallet, a did:dkms on the ledger, a cloud agent at the agency
  npx keystead --help                     everything else
${
  more.length < 2
    ? ''
    : `  npx keystead -w alice recovery setup --kit kit.html --pin --escrow ${(['agency', ...more] as const).map((name) => system.url(name)).join(' ')}\n`
}  npm run story                           the whole story from first key to recovery, step by step

Ctrl-C stops everything cleanly.`)

const stop = async (): Promise<void> => {
  console.log('\nStopping ...')
  await system.stop()
  console.log('Stopped. The data is kept.')
  process.exit(0)
}
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
await system.failed.catch(async (error: Error) => {
  console.error(`\n${error.message}`)
  await system.stop()
  process.exit(1)
})
