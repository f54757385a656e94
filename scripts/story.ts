/**
 * `npm run story`: from first key to recovery, with an operating-system process for the ledger node, the agency and each
 * command of each person, talking over loopback with data on disk. Ends non-zero at the first thing that does not hold.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freePort } from './free-port.ts'
import { Cast } from './story/cast.ts'
import { issueAndPresent, revocation, rotations } from './story/credential.ts'
import { keysProven, relationships, walletsAndAgents } from './story/people.ts'
import { destruction, recovery, setUp, thieves } from './story/recovery.ts'
import { type Teller, teller } from './story/tell.ts'
import { System } from './system.ts'

const { values } = parseArgs({
  options: {
    kill: { type: 'boolean', default: false },
    times: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  console.log(`npm run story [-- --kill] [-- --times N] [-- --keep] [-- --verbose]

Plays the whole story on a system of its own, or on the running one that KEYSTEAD_LEDGER_URL and KEYSTEAD_AGENCY_URL name.
  --kill      kill -9 the ledger node and the agency between every two steps
  --times N   play it N times in a row
  --keep      keep the wallets and the system's data, and say where they are`)
  process.exit(0)
}

/** Kills ledger and agency where asked to, so that every step begins on what survived. */
type Between = () => Promise<void>

async function play(cast: Cast, tell: Teller, between: Between): Promise<void> {
  await walletsAndAgents(cast, tell)
  await between()
  await relationships(cast, tell)
  await between()
  await keysProven(cast, tell)
  await between()
  await issueAndPresent(cast, tell)
  await between()
  await rotations(cast, tell)
  await between()
  await setUp(cast, tell)
  await between()
  await thieves(cast, tell)
  await between()
  const dead = await destruction(cast, tell)
  await between()
  await recovery(cast, dead, tell)
  await between()
  await revocation(cast, tell)
}

async function once(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'keystead-story-'))
  const tell = teller(console.log)
  const named = process.env['KEYSTEAD_LEDGER_URL'] !== undefined && process.env['KEYSTEAD_AGENCY_URL'] !== undefined
  const system = named ? undefined : await start(home)
  process.once('SIGINT', () => system?.stop().then(() => process.exit(130)))
  try {
    const urls = system ? { KEYSTEAD_LEDGER_URL: system.url('ledger'), KEYSTEAD_AGENCY_URL: system.url('agency') } : {}
    await play(new Cast(home, { ...urls, KEYSTEAD_HOME: home }), tell, async () => {
      if (!values.kill || !system) return
      await system.killAndRestart('ledger')
      await system.killAndRestart('agency')
      tell.line('(ledger node and agency: kill -9, and started again)')
    })
  } finally {
    await system?.stop()
    if (values.keep) console.log(`\nKept: ${home}`)
    else rmSync(home, { recursive: true, force: true })
  }
}

async function start(home: string): Promise<System> {
  return System.start({
    home: join(home, 'system'),
    ports: { ledger: await freePort(), agency: await freePort(), web: 0 },
    parts: ['ledger', 'agency'],
    profile: 'development',
    log: (part, line) => {
      if (values.verbose) console.log(`  [${part}] ${line}`)
    },
  })
}

const times = Number(values.times)
const began = Date.now()
try {
  for (let round = 1; round <= times; round++) {
    if (times > 1) console.log(`\n=== ${round} of ${times} ===`)
    await once()
  }
  const minutes = ((Date.now() - began) / 60_000).toFixed(1)
  console.log(`\nThe story holds${times > 1 ? `, ${times} times in a row` : ''} (${minutes} min).`)
} catch (error) {
  console.error(`\nThe story stops: ${(error as Error).message}`)
  process.exit(1)
}
