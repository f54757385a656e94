/** Who is to keep the log: the agency of our cloud agent, and what the owner named at set-up (rule 26). */
import { base64url } from '@keystead/core'
import { type Edge, fault } from '../context.ts'
import { agencyDescriptor } from '../discovery.ts'
import { makeAccount } from '../own-dids.ts'
import type { Profile } from '../records.ts'
import { type Change, put } from '../store.ts'
import { OWN_HOLDER } from './holder-link.ts'
import type { LogHolder } from './records.ts'

export interface PlannedHolder {
  readonly name: string
  readonly holder: LogHolder
  readonly changes: readonly Change[]
}

/** Addresses of agencies begin with http; everything else is a folder. Rejects with `AGENCY_UNREACHABLE`. */
export async function planHolders(
  edge: Edge,
  agency: NonNullable<Profile['agency']>,
  named: readonly string[],
): Promise<PlannedHolder[]> {
  const known = new Map((await edge.records.all('holder')).map(({ name, value }) => [name, value]))
  const planned: PlannedHolder[] = [await ownHolder(edge, agency, known.get(OWN_HOLDER))]
  for (const address of new Set(named.map((one) => one.replace(/(?<=.)\/+$/, '')))) {
    if (address === agency.url) continue
    const holder = known.get(address)
    planned.push(holder ? { name: address, holder, changes: [] } : await newHolder(edge, address))
  }
  for (const [name, holder] of known)
    if (!planned.some((one) => one.name === name)) planned.push({ name, holder, changes: [] })
  return planned
}

async function ownHolder(
  edge: Edge,
  { did, url, account }: NonNullable<Profile['agency']>,
  known: LogHolder | undefined,
): Promise<PlannedHolder> {
  const fresh = { kind: 'own' as const, operator: new URL(url).host, url, did, account }
  return { name: OWN_HOLDER, holder: known ?? { ...fresh, ...nothingYet(edge) }, changes: [] }
}

async function newHolder(edge: Edge, address: string): Promise<PlannedHolder> {
  if (!/^https?:/.test(address)) {
    if (!edge.ports.folder) throw fault('NOT_ALLOWED_NOW', 'this device keeps no backups in folders')
    const holder = {
      kind: 'folder' as const,
      operator: address,
      url: address,
      did: '',
      account: '',
      ...nothingYet(edge),
    }
    return { name: address, holder, changes: [] }
  }
  const { did } = await agencyDescriptor(edge.ports.fetch, address)
  const own = await makeAccount(edge)
  const operator = new URL(address).host
  const holder = { kind: 'agency' as const, operator, url: address, did, account: own.did, ...nothingYet(edge) }
  return { name: address, holder, changes: [put('own-did', own.did, own)] }
}

function nothingYet(edge: Edge): Pick<LogHolder, 'vault' | 'entries' | 'readers' | 'trimmed' | 'locators'> {
  return { vault: base64url.encode(edge.ports.random(16)), entries: 0, readers: [], trimmed: 0, locators: [] }
}
