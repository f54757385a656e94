/**
 * "Test my recovery" (RECOVERY-22): everything that a recovery would need is asked to show that it is there, and nothing is
 * touched: no guess is counted, no share leaves its keeper, no operation goes to the ledger.
 */
import { endOf } from '@keystead/did-dkms'
import { groupsOf, isFirm, type Kit, type PathId, vetoDigest } from '@keystead/recovery'
import { askAsNobody } from '../agency-link.ts'
import { type Edge, fault, nowSeconds } from '../context.ts'
import { agencyDescriptor } from '../discovery.ts'
import { ownLog } from '../log/authority.ts'
import { flushOutbox } from '../outbox.ts'
import { put } from '../store.ts'
import { syncUntil } from '../sync.ts'
import { watchEscrow } from './escrow-deal.ts'
import type { RecoverySetup } from './records.ts'
import { currentSetup } from './recovery-set.ts'
import { recordAt } from './rescue.ts'
import { askForShares } from './share-health.ts'

export interface Rehearsal {
  /** `no-answer`: not within the rehearsal. */
  readonly contacts: readonly {
    readonly label: string
    readonly result: 'proven' | 'no-answer' | 'lost' | 'declined' | 'waiting'
  }[]
  readonly agents: readonly {
    readonly operator: string
    readonly result: 'proven' | 'away' | 'lost' | 'locked' | 'waiting'
    readonly guessesUsed: number
  }[]
  /** `read`: now. */
  readonly kit: 'read' | 'read-before' | 'never-read'
  /** With the kit: whether its agencies lead a new device on. */
  readonly agencies: readonly { readonly url: string; readonly result: 'good' | 'away' | 'stayed' | 'wrong' }[]
  /** Our DIDs: whether the ledger commits to a recovery key that we have sealed, or will from then on. */
  readonly identities: readonly {
    readonly label: string
    readonly result: 'good' | 'held' | 'missing' | 'unknown'
    readonly until?: number
  }[]
  readonly paths: readonly { readonly id: PathId; readonly delay: number; readonly open: boolean }[]
  /** At least one path opens, and leads to every DID. */
  readonly ready: boolean
}

export interface RehearsalOptions {
  /** The kit, read back from paper. */
  readonly kit?: Kit
  /** Until when contacts are waited for, seconds since 1970. */
  readonly until: number
  readonly signal?: AbortSignal
}

/** Rejects with `RECOVERY_NOT_SET_UP`, or `BAD_KIT` for a kit that is not of the deal in force. */
export async function rehearse(edge: Edge, { kit, until, signal }: RehearsalOptions): Promise<Rehearsal> {
  const agencies = await edge.alone(async () => {
    const setup = await setUp(edge)
    if (kit) await takeKit(edge, setup, kit)
    await askForShares(edge, { now: true })
    await watchEscrow(edge, { now: true })
    const found = kit ? await agenciesOf(edge, setup, kit) : []
    await flushOutbox(edge)
    return found
  })
  const answered = async (): Promise<true | undefined> => ((await everybodyAnswered(edge)) ? true : undefined)
  await syncUntil(edge, answered, until, signal)
  return edge.alone(() => conclude(edge, kit !== undefined, agencies))
}

async function setUp(edge: Edge): Promise<RecoverySetup> {
  return (
    (await currentSetup(edge)) ??
    Promise.reject(fault('RECOVERY_NOT_SET_UP', 'no recovery is set up: there is nothing to rehearse'))
  )
}

/** A kit that reads well is noted as checked. Rejects with `BAD_KIT` for a kit of another deal. */
export async function takeKit(edge: Edge, setup: RecoverySetup | undefined, kit: Kit): Promise<void> {
  if (setup === undefined || vetoDigest(kit.veto) !== setup.kit.veto)
    throw fault('BAD_KIT', 'this kit belongs to another or an earlier set-up, or to a change that waits')
  await edge.records.commit([
    put('setup', String(setup.policy.epoch), { ...setup, kit: { ...setup.kit, checked: true } }),
  ])
}

/** As a new device would ask them: under a name made for this alone, so that no agency learns whose record it shows. */
async function agenciesOf(edge: Edge, setup: RecoverySetup, kit: Kit): Promise<Rehearsal['agencies']> {
  const found: { url: string; result: 'good' | 'away' | 'stayed' | 'wrong' }[] = []
  for (const url of kit.agencies)
    try {
      const { did } = await agencyDescriptor(edge.ports.fetch, url)
      const record = await recordAt(edge, url, kit, (request) => askAsNobody(edge, did, request))
      const ours = record.policy.epoch === setup.policy.epoch && record.log.log === (await ownLog(edge))?.log
      found.push({ url, result: ours ? 'good' : 'wrong' })
    } catch (error) {
      const { code } = error as { code?: string }
      if (code === undefined) throw error
      found.push({
        url,
        result: code === 'AGENCY_UNREACHABLE' ? 'away' : code === 'RELEASE_STAYED' ? 'stayed' : 'wrong',
      })
    }
  return found
}

async function everybodyAnswered(edge: Edge): Promise<boolean> {
  const setup = await currentSetup(edge)
  const health = setup && (await edge.records.get('share-health', String(setup.policy.epoch)))
  return (health?.contacts ?? []).every(({ nonce }) => nonce === undefined)
}

async function conclude(edge: Edge, kitRead: boolean, agencies: Rehearsal['agencies']): Promise<Rehearsal> {
  const setup = await setUp(edge)
  const name = String(setup.policy.epoch)
  const contacts = await contactResults(edge, setup)
  const agents = await agentResults(edge, name)
  const identities = await identityResults(edge, setup)
  const kit = kitRead ? 'read' : setup.kit.checked ? 'read-before' : 'never-read'
  const { E, S } = setup.policy.groups
  const proven = (results: readonly { readonly result: string }[]): number =>
    results.filter(({ result }) => result === 'proven').length
  const open = {
    M: false,
    E: E !== undefined && proven(agents) >= E.threshold,
    P: kit !== 'never-read',
    S: S !== undefined && proven(contacts) >= S.threshold,
  }
  const first = setup.policy.paths.filter(({ id }) => !isFirm(id))
  const paths = first.map(({ id, delay }) => ({
    id,
    delay,
    open: groupsOf(id).every((group) => open[group]),
  }))
  const led = agencies.length === 0 || agencies.some(({ result }) => result === 'good')
  const reached = identities.every(({ result }) => result === 'good' || result === 'held')
  const health = (await edge.records.get('share-health', name)) ?? { contacts: [] }
  await edge.records.commit([put('share-health', name, { ...health, rehearsed: nowSeconds(edge) })])
  return {
    contacts,
    agents,
    kit,
    agencies,
    identities,
    paths,
    ready: led && reached && paths.some((path) => path.open),
  }
}

async function contactResults(edge: Edge, setup: RecoverySetup): Promise<Rehearsal['contacts']> {
  const health = await edge.records.get('share-health', String(setup.policy.epoch))
  return Promise.all(
    setup.contacts.map(async ({ relationship, answer }) => {
      const label = (await edge.records.get('relationship', relationship))?.label ?? 'gone'
      const asked = health?.contacts.find((contact) => contact.relationship === relationship)
      if (answer !== 'kept') return { label, result: answer ?? ('waiting' as const) }
      if (asked?.lost) return { label, result: 'lost' as const }
      // Whoever was not asked just now, because nobody can reach them, has not shown anything either.
      const shown = asked?.nonce === undefined && asked?.asked !== undefined && (asked.proven ?? 0) >= asked.asked
      return { label, result: shown ? ('proven' as const) : ('no-answer' as const) }
    }),
  )
}

async function agentResults(edge: Edge, name: string): Promise<Rehearsal['agents']> {
  return ((await edge.records.get('escrow', name))?.agents ?? []).map((agent) => {
    const { operator, registration, lost, open, locked, used = 0 } = agent
    const faults = [
      registration !== undefined && ('waiting' as const),
      lost === true && ('lost' as const),
      open !== undefined && ('away' as const),
      locked === true && ('locked' as const),
    ]
    return { operator, result: faults.find((fault) => fault !== false) ?? ('proven' as const), guessesUsed: used }
  })
}

async function identityResults(edge: Edge, setup: RecoverySetup): Promise<Rehearsal['identities']> {
  const results: Rehearsal['identities'][number][] = []
  for (const { value } of await edge.records.all('identity')) {
    if (value.status !== 'active') continue
    const sealed = (await edge.records.get('recovery-key', value.did))?.keys ?? []
    const ours = new Set(sealed.filter(({ epoch }) => epoch === setup.policy.epoch).map(({ h }) => h))
    results.push({ label: value.label, ...(await onLedger(edge, value.did, ours)) })
  }
  return results
}

async function onLedger(
  edge: Edge,
  did: string,
  ours: ReadonlySet<string>,
): Promise<Pick<Rehearsal['identities'][number], 'result' | 'until'>> {
  try {
    const { state, at } = await edge.ports.ledger.resolve(did)
    const commits = (entries: readonly { h: string }[] = []): boolean => entries.some(({ h }) => ours.has(h))
    if (commits(state?.recovery.entries)) return { result: 'good' }
    const held = state?.recovery.held
    return held && commits(held.entries) ? { result: 'held', until: endOf(held, at.lost) } : { result: 'missing' }
  } catch (error) {
    if ((error as { code?: string }).code === undefined) throw error
    return { result: 'unknown' }
  }
}
