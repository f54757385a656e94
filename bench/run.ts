/** `npm run bench`: figures of this machine and this run. Ratios are what to compare; see README.md. */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { agency } from './areas/agency.ts'
import { browser } from './areas/browser.ts'
import { comet } from './areas/comet.ts'
import { credentials } from './areas/credentials.ts'
import { didDkms } from './areas/did-dkms.ts'
import { didcomm } from './areas/didcomm.ts'
import { ledger } from './areas/ledger.ts'
import { ledgerHttp } from './areas/ledger-http.ts'
import { ledgerScale } from './areas/ledger-scale.ts'
import { lightClient } from './areas/light-client.ts'
import { recovery } from './areas/recovery.ts'
import { syncing } from './areas/sync.ts'
import { wallet } from './areas/wallet.ts'
import { type Budget, FULL, QUICK, type Row } from './measure.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    dids: { type: 'string' },
    sockets: { type: 'string' },
    messages: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
/** A number that was given on the command line. */
function counted<Name extends 'sockets' | 'messages'>(name: Name): { [key in Name]?: number } {
  return values[name] === undefined ? {} : ({ [name]: Number(values[name]) } as { [key in Name]?: number })
}
const dids = values.dids === undefined ? undefined : Number(values.dids)
const AREAS: Readonly<Record<string, (budget: Budget) => Promise<Row[]>>> = {
  'did-dkms': didDkms,
  ledger,
  'ledger-http': ledgerHttp,
  comet,
  'ledger-scale': (budget) => ledgerScale(budget, dids),
  'light-client': lightClient,
  didcomm,
  credentials,
  wallet,
  browser,
  recovery,
  sync: syncing,
  agency: (budget) => agency(budget, { ...counted('sockets'), ...counted('messages') }),
}

if (values.help) {
  console.log(
    `npm run bench [-- --json] [-- --quick] [-- --only ${Object.keys(AREAS).join('|')}] [-- --dids 1000000] [-- --sockets 10000] [-- --messages 20000]`,
  )
  process.exit(0)
}
const chosen = values.only === undefined ? Object.keys(AREAS) : [values.only]
if (!values.json) console.log(`Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores\n`)
for (const name of chosen) {
  const area = AREAS[name]
  if (!area) {
    console.error(`there is no area "${name}": ${Object.keys(AREAS).join(', ')}`)
    process.exit(64)
  }
  for (const row of await area(values.quick ? QUICK : FULL)) console.log(values.json ? JSON.stringify(row) : text(row))
}

function text({ area, what, value, unit, baseline, ratio, target }: Row): string {
  const figure = value >= 100 ? value.toFixed(0) : value.toPrecision(3)
  const beside = ratio === null ? '' : `${ratio.toPrecision(3).padStart(8)} x ${baseline}`
  const aim = target === null ? '' : `  (target ${unit === '1/s' ? `${target}/s` : target})`
  return `${area.padEnd(12)} ${what.padEnd(44)} ${figure.padStart(8)} ${unit.padEnd(4)} ${beside}${aim}`
}
