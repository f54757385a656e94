/** Coming back on a new device (flows V16, V17): with two of kit, PIN and contacts. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  agencyDescriptor,
  type EdgeAgent,
  findNetwork,
  type RecoveryProgress,
  type RestoreOptions,
} from '@keystead/agent/edge'
import { isKeysteadError, KeysteadError } from '@keystead/core'
import { fetchGenesis } from '@keystead/light-client'
import { type Kit, type PathId, spokenCode } from '@keystead/recovery'
import { writeConfig } from '../config.ts'
import { EXIT } from '../exit.ts'
import { readKit } from '../kit-page.ts'
import { iso, terminalQr } from '../output.ts'
import { type PinSource, readPassphrase, readPin } from '../passphrase.ts'
import { type Run, withWallet } from '../run.ts'
import { createWallet, type OpenWallet } from '../wallet.ts'
import { waiting } from './start.ts'
import { newTrust } from './trust.ts'

export const WAYS: Readonly<Record<PathId, string>> = {
  'E+M': 'PIN and contacts in person',
  'E+P': 'PIN and kit',
  'E+S': 'PIN and contacts',
  'M+P': 'kit and contacts in person',
  'P+S': 'kit and contacts',
}

export interface RecoverOptions extends PinSource {
  readonly kit?: string
  readonly ledger: string
  readonly agency: string
  readonly network?: string
  readonly page: string
  readonly seconds: string
  readonly from?: readonly string[]
  readonly until?: string
}

export async function recover(run: Run, options: RecoverOptions): Promise<number> {
  const kit = options.kit === undefined ? undefined : readKit(readFileSync(options.kit, 'utf8'))
  const pin = await readPin(options)
  if (!existsSync(resolve(run.folder, 'config.json'))) {
    if (!kit && pin === undefined)
      throw new KeysteadError('UNKNOWN_REQUEST', 'no recovery is under way here: give --kit, or --pin, or both')
    await newWallet(run, kit, options)
  }
  return withWallet(run, async (wallet) => {
    const { agent } = wallet
    const before = await agent.recovery.progress()
    if (!kit && pin === undefined && !before)
      throw new KeysteadError('UNKNOWN_REQUEST', 'no recovery is under way here: give --kit, or --pin, or both')
    if (!before) {
      await addAgency(wallet, kit?.agencies ?? [options.agency])
      await agent.recovery.begin(kit, options.page)
    }
    return untilRecovered(run, wallet, { seconds: Number(options.seconds), pin, restore: restoreOptions(options) })
  })
}

/** Throws `BAD_OPTIONS`. */
function restoreOptions({ from = [], until }: RecoverOptions): RestoreOptions {
  const time = until === undefined ? undefined : Date.parse(until)
  if (Number.isNaN(time))
    throw new KeysteadError('BAD_OPTIONS', '--until takes a date and time, such as 2026-05-01T12:00Z')
  return { folders: from.map((folder) => resolve(folder)), ...(time === undefined ? {} : { until: time }) }
}

const since = (newest: number | undefined): string =>
  newest === undefined ? '' : `; the newest change is of ${iso(newest)}`

export async function newWallet(
  run: Run,
  kit: Kit | undefined,
  options: Pick<RecoverOptions, 'ledger' | 'agency' | 'network'>,
): Promise<void> {
  const passphrase = await readPassphrase(run.options, { twice: true })
  const { ledger, agency, network } = options
  const genesis = kit
    ? await fetchGenesis(fetch, ledger, kit.genesis)
    : await findNetwork(fetch, { ledger, agency, named: network })
  const trust = await newTrust({}, genesis, run.out.note)
  const vault = await createWallet(run.folder, passphrase)
  writeConfig(run.folder, { ledger, genesis, trust })
  await vault.lock()
}

/** The first of the agencies that answers. */
export async function addAgency({ agent }: OpenWallet, agencies: readonly string[]): Promise<void> {
  let last: unknown
  for (const url of agencies)
    try {
      const { did } = await agencyDescriptor(fetch, url)
      await agent.addCloudAgent({ did, url })
      return
    } catch (error) {
      if (!isKeysteadError(error, 'AGENCY_UNREACHABLE')) throw error
      last = error
    }
  throw last
}

async function untilRecovered(
  run: Run,
  { agent }: OpenWallet,
  { seconds, pin, restore }: { seconds: number; pin: string | undefined; restore: RestoreOptions },
): Promise<number> {
  const begun = await agent.recovery.progress()
  if (pin !== undefined && begun?.rescue.kit !== undefined) await enterPin(run, agent, pin)
  const { ready, rescue } = (await agent.recovery.progress()) ?? {}
  if (!ready && rescue) showLink(run, rescue)
  const until = Math.floor(Date.now() / 1000) + seconds
  const enough =
    ready ||
    (await agent.waitFor(
      async () => {
        const now = await agent.recovery.progress()
        // Without a kit the first contact's share leads to the agents of the PIN.
        if (pin !== undefined && now && !now.pin && now.have > 0) await enterPin(run, agent, pin)
        return (await agent.recovery.progress())?.ready ? true : undefined
      },
      until,
      run.signal,
    ))
  if (!enough) {
    const { have = 0, need, pin: entered = false } = (await agent.recovery.progress()) ?? {}
    run.out.result(
      `${have} of ${need ?? 'the'} shares are here: nothing can be opened yet. "keystead recover" goes on waiting.`,
      { recovered: false, have, need: need ?? null, pin: entered },
    )
    return EXIT.tryLater
  }
  return finish(run, agent, restore)
}

async function enterPin(run: Run, agent: EdgeAgent, pin: string): Promise<void> {
  await agent.recovery.enterPin(pin)
  run.out.event('pin', 'The PIN is right.', { pin: true })
}

function showLink(run: Run, rescue: RecoveryProgress['rescue']): void {
  const qr = terminalQr(rescue.url)
  const nameless =
    rescue.kit === undefined ? ['They have to say who asked them: help-recover --owner <your name>.'] : []
  run.out.event('link', ['Give this link to your recovery contacts:', ...(qr ? [qr] : []), rescue.url, ...nameless], {
    url: rescue.url,
  })
  for (const { ceremony, label } of rescue.sessions)
    if (ceremony.state === 'revealed')
      run.out.event('code', `Tell ${label} this code, on a call: ${spokenCode(ceremony.code)}`, {
        label,
        code: ceremony.code,
      })
}

async function finish(run: Run, agent: EdgeAgent, options: RestoreOptions): Promise<number> {
  const recovered = await agent.recovery.finish(options)
  const waits = await agent.sync()
  const identities = await agent.identities()
  const pending = identities.filter(({ status }) => status === 'recovering')
  const until = Math.max(0, ...pending.map(({ pendingUntil }) => pendingUntil ?? 0))
  run.out.result(
    [
      `Data       back: ${recovered.records} records, by ${WAYS[recovered.path]}${since(recovered.newest)}`,
      `           read from ${recovered.holders.read} of ${recovered.holders.of} copies`,
      ...recovered.lacks.map(({ text }) => `  but      ${text}`),
      `Authority  ${pending.length} DID(s) and ${recovered.relationships} relationship(s) wait${until > 0 ? ` until ${iso(until)}` : ''}; your old devices may veto until then`,
      'After that: "keystead sync", then "keystead recovery setup" for a new kit, new shares and a new PIN.',
      ...waiting(waits),
    ],
    { recovered: true, ...recovered, pendingUntil: until > 0 ? until : null, ...waits },
  )
  return waits.waiting + waits.operations > 0 ? EXIT.tryLater : EXIT.ok
}
