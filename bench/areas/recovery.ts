/** Recovery: a lost phone and a known PIN, five agencies, each request 50 ms away. All parties share this one process. */
import { systemRandom } from '@keystead/core'
import { generatePin, stretchPin } from '@keystead/recovery'
import { AGENCY, Network, type Person } from '@keystead/testkit'
import { answerGuess } from '../../packages/recovery/src/escrow/agent.ts'
import { blindInput, dealScalar } from '../../packages/recovery/src/escrow/oprf.ts'
import { type Budget, compare, FULL, type Row } from '../measure.ts'

const ROUND_TRIP_MS = 50
const RECORDS = 10_000
const NAMES = ['north', 'east', 'south', 'west', 'centre']

export async function recovery(budget: Budget): Promise<Row[]> {
  return [await agentGuess(budget), await clientStretch(budget), ...(await lostPhone(budget === FULL ? 20 : 3))]
}

function agentGuess(budget: Budget): Promise<Row> {
  const [share] = dealScalar({ threshold: 3, count: 5 }, systemRandom)
  const { element } = blindInput(systemRandom(32), systemRandom)
  const ours = () => share && answerGuess({ share: share.secret }, element, systemRandom)
  return compare(budget, { area: 'recovery', what: 'an agent evaluates a guess, with its proof', ours })
}

function clientStretch(budget: Budget): Promise<Row> {
  const [version, locator] = [systemRandom(16), systemRandom(16)]
  const ours = () => stretchPin('739164', version, locator)
  return compare(budget, { area: 'recovery', what: 'a device stretches the PIN (Argon2id, 64 MiB)', ours })
}

async function lostPhone(runs: number): Promise<Row[]> {
  const network = await Network.open()
  try {
    for (const name of NAMES) await network.addAgency(name)
    const owner = await network.person('owner')
    const value = { contact: 'x'.repeat(32), from: 'them', text: 'x'.repeat(64), at: 1_767_225_600 }
    const notes = Array.from({ length: RECORDS }, (_, i) => ({
      put: { segment: 'messages' as const, category: 'text', name: `n${i}`, value },
    }))
    await owner.vault.batch(notes)
    const times: number[] = []
    for (let run = 0; run < runs; run++) times.push(await oneRecovery(network, owner, `phone ${run}`))
    const sorted = times.sort((a, b) => a - b)
    const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? 0
    const row = (what: string, value: number, target: number | null): Row => {
      return { area: 'recovery', what, value, unit: 'ms', baseline: null, ratio: null, target }
    }
    const what = `lost phone, PIN: ${RECORDS} records readable`
    return [row(`${what}, median`, at(0.5), null), row(`${what}, p95 of ${runs}`, at(0.95), 3000)]
  } finally {
    await network.close()
  }
}

/** Milliseconds from the kit and the PIN to readable data. */
async function oneRecovery(network: Network, owner: Person, name: string): Promise<number> {
  const pin = generatePin(systemRandom)
  const agencies = NAMES.map((one) => `http://${one}.test`)
  const kit = await owner.agent.recovery.setUp({ contacts: [], threshold: 2, escrow: { pin, agencies } })
  await network.settle(owner)
  const device = await network.newcomer(name)
  let end = 0
  const { push } = device.events
  device.events.push = (...events) => {
    if (events.some(({ kind }) => kind === 'restored')) end = performance.now()
    return push.apply(device.events, events)
  }
  network.wires.slow(ROUND_TRIP_MS)
  const start = performance.now()
  await device.agent.addCloudAgent({ did: network.agency.options.did, url: AGENCY })
  await device.agent.recovery.begin(kit, 'https://wallet.test/')
  await device.agent.recovery.enterPin(pin)
  // Every run deals anew, and the ledger holds a change of the recovery keys: the data is what is measured.
  await device.agent.recovery.finish().catch((error: { code?: string }) => {
    if (error.code !== 'ANOTHER_SET_COUNTS') throw error
  })
  network.wires.slow(0)
  return end - start
}
