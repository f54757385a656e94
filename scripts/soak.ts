/**
 * `npm run test:soak [-- --minutes 30] [-- --only NAME]`: long runs under load, which `npm test` has no time for. Each writes its
 * figures to `bench/results/soak-NAME.json` and says whether they hold.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { soakAbci } from './soak/abci.ts'
import { soakAgency } from './soak/agency.ts'
import { soakAgencyKills } from './soak/agency-kills.ts'
import { soakLedger } from './soak/ledger.ts'
import { soakMessages } from './soak/messages.ts'
import { soakMutants } from './soak/mutants.ts'
import { soakNetwork } from './soak/network.ts'

/** What a soak found: figures for the record, and what does not hold. */
export interface Soaked {
  readonly figures: object
  readonly failures: readonly string[]
}

const SOAKS: Readonly<Record<string, (minutes: number, say: (line: string) => void) => Promise<Soaked>>> = {
  ledger: soakLedger,
  abci: soakAbci,
  network: soakNetwork,
  mutants: soakMutants,
  agency: soakAgency,
  'agency-kills': soakAgencyKills,
  messages: soakMessages,
}

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' }, only: { type: 'string' } } })
const minutes = Number(values.minutes)
const chosen = values.only === undefined ? Object.keys(SOAKS) : [values.only]
const results = fileURLToPath(new URL('../bench/results', import.meta.url))
mkdirSync(results, { recursive: true })
let failed = false
for (const name of chosen) {
  const soak = SOAKS[name]
  if (!soak || !(minutes > 0)) {
    console.error(`npm run test:soak [-- --minutes 30] [-- --only ${Object.keys(SOAKS).join('|')}]`)
    process.exit(64)
  }
  const { figures, failures } = await soak(minutes, (line) => console.log(`${name}: ${line}`))
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length }
  const record = { soak: name, minutes, date: new Date().toISOString(), machine, ...figures, failures }
  writeFileSync(`${results}/soak-${name}.json`, `${JSON.stringify(record, undefined, 2)}\n`)
  for (const failure of failures) console.error(`${name}: ${failure}`)
  console.log(`${name}: ${failures.length === 0 ? 'holds' : 'does not hold'}`)
  failed ||= failures.length > 0
}
process.exitCode = failed ? 1 : 0
