/**
 * Looking after our own DIDs on the ledger and our side of every relationship: recoveries of ours that come into force, and
 * recoveries that we did not ask for, which the owner can veto (rules 4, 27).
 */
import { isKeysteadError, type JsonObject } from '@keystead/core'
import { type DidState, endOf } from '@keystead/did-dkms'
import { applyEntry, entryHash, parseEntry, settleLog } from '@keystead/microledger'
import { parseEntries } from '../../protocols/connect/messages.ts'
import { parseRotation } from '../../protocols/own-devices/authority.ts'
import { type Edge, fault, nowSeconds, queueRecipient, tell } from '../context.ts'
import { vetoRecovery } from '../identity-operations.ts'
import type { Incoming } from '../inbox.ts'
import { rotateRelationship } from '../own-log.ts'
import type { Identity } from '../records.ts'
import { reconsiderRefused } from '../refused.ts'
import { whoMade } from '../registry/made.ts'
import { strangeEntry } from '../self-monitoring.ts'
import { type Change, put, remove } from '../store.ts'
import { setups } from './recovery-set.ts'

/** How often a wallet that listens looks at its DIDs: a strange entry is noticed within the minute. */
const LOOK_SECONDS = 10
/** How long a veto goes on at least, where delays are seconds. */
const MIN_VETOING_SECONDS = 300
const looked = new WeakMap<Edge, number>()

/** Asks the ledger about each DID of ours, unless that was done a moment ago. */
export async function watchIdentities(edge: Edge): Promise<void> {
  const now = nowSeconds(edge)
  const all = (await edge.records.all('identity')).map(({ value }) => value)
  const due = all.some(({ status, pendingUntil }) => status === 'recovering' && (pendingUntil ?? 0) <= now)
  if (!due && now < (looked.get(edge) ?? 0) + LOOK_SECONDS) return
  looked.set(edge, now)
  const unknown = await reconsiderRefused(edge)
  const operations = (await edge.records.all('operation')).filter(({ value }) => !value.asked)
  const waiting = new Set([...unknown, ...operations.map(({ value }) => value.did)])
  for (const { value: identity } of await edge.records.all('identity'))
    if ((identity.status === 'active' || identity.status === 'recovering') && !waiting.has(identity.did))
      await look(edge, identity)
}

async function look(edge: Edge, identity: Identity): Promise<void> {
  const { state, at } = await edge.ports.ledger.resolve(identity.did)
  if (!state) return
  if (!(await edge.records.get('identity-keys', identity.did))) return follow(edge, identity, state)
  if (await mayHaveEntered(edge, state)) return
  const { alert: _, pendingUntil: _p, ...plain } = identity
  const ours = (k: string | undefined): boolean => k === identity.auth.keys[0]?.k
  const { pending } = state.recovery
  let after: Identity
  if (pending && ours(pending.auth.keys[0]?.k)) after = { ...plain, pendingUntil: endOf(pending, at.lost) }
  else if (pending) after = { ...identity, alert: { until: endOf(pending, at.lost) } }
  else if (!ours(state.auth.keys[0]?.k)) after = { ...plain, status: 'lost' }
  else
    after = {
      ...plain,
      ...(await strangeOperation(edge, identity, state)),
      status: 'active',
      seq: state.seq,
      head: state.head,
    }
  if (JSON.stringify(after) === JSON.stringify(identity)) return
  const recovered = after.status === 'active' && identity.status === 'recovering'
  const receive = recovered && identity.use === 'public' ? [queueRecipient(edge, identity.did, 'add')] : []
  await edge.records.commit([put('identity', identity.did, after), ...receive])
  if (after.status === 'lost')
    tell(edge, {
      kind: 'identity-lost',
      text:
        identity.status === 'recovering'
          ? `whoever has a device of yours vetoed the recovery of "${identity.label}": recover once more in a new wallet; contacts who meet you overrule it`
          : `the ledger gives ${identity.label} to other keys than ours`,
    })
  else if (after.alert && !identity.alert)
    tell(edge, {
      kind: 'recovery-alert',
      text: `somebody recovers your DID "${identity.label}" on a new device; veto it if it was not you`,
    })
  else if (recovered) tell(edge, { kind: 'recovered', text: `this device now holds "${identity.label}"` })
}

/** Another device may just have brought what was asked of it: the next look at that tells (DEVICE-19). */
async function mayHaveEntered(edge: Edge, { did, seq }: DidState): Promise<boolean> {
  const asked = (await edge.records.all('operation')).filter(({ value }) => value.did === did && value.asked)
  return asked.some(({ value }) => parseRotation(value.submission as unknown as JsonObject).operation.seq <= seq)
}

/** Its keys are on another device of ours, which looks after it: this one knows where it stands. */
async function follow(edge: Edge, identity: Identity, { seq, head, auth }: DidState): Promise<void> {
  if (head === identity.head) return
  await edge.records.commit([put('identity', identity.did, { ...identity, seq, head, auth })])
}

/** KEYVERIFY-13: an operation that this wallet did not make, by keys that are ours. It is told once, and shown until we rotate. */
async function strangeOperation(
  edge: Edge,
  identity: Identity,
  { seq, head }: DidState,
): Promise<Pick<Identity, 'strange'>> {
  if (identity.status !== 'active' || head === identity.head) return {}
  const makers = await whoMade(edge, identity.did, identity.seq)
  if (makers.length > 0) {
    const text = `${makers.join(' and ')}, acted for "${identity.label}" on the ledger (operation ${seq})`
    tell(edge, { kind: 'agent-acted', text })
    return {}
  }
  tell(edge, {
    kind: 'strange-entry',
    text: `the ledger has operation ${seq} of "${identity.label}", which this wallet did not make: rotate at once if no other device of yours did`,
  })
  return { strange: { seq, head, at: nowSeconds(edge) } }
}

/** Our own recoveries whose time the peer has told and which is over. */
export async function settleOwnSide(edge: Edge): Promise<void> {
  const now = nowSeconds(edge)
  for (const { name, value } of await edge.records.all('relationship')) {
    const until = value.recovering?.until
    if (until === undefined || until > now) continue
    const { recovering: _, verified: _v, person: _p, ...rest } = value
    const pendingUntil = value.mine.state.recovery.pending?.until ?? now
    const state = settleLog(value.mine.state, Math.max(now, pendingUntil))
    await edge.records.commit([put('relationship', name, { ...rest, mine: { ...value.mine, state } })])
    tell(edge, { kind: 'recovered', text: `${value.label} accepts this device`, relationship: name })
  }
}

/** A peer tells of a recovery of our side that waits there. */
export async function onAlert(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  if (!relationship) return []
  const entry = parseEntry(parseEntries(message.body).entries.at(-1) as never)
  if (entry.type !== 'recover') return strangeEntry(edge, relationship, entryHash(entry), entry)
  const now = nowSeconds(edge)
  const result = applyEntry(relationship.mine.state, entry, now)
  if (!result.ok || result.effect !== 'pending')
    throw fault('BAD_MESSAGE', 'the alert names no recovery of this relationship')
  const until = result.state.recovery.pending?.until ?? now
  tell(edge, {
    kind: 'recovery-alert',
    text: `somebody recovers your relationship with ${relationship.label} on a new device; veto it if it was not you`,
    relationship: relationship.id,
  })
  return [put('relationship', relationship.id, { ...relationship, alert: { entry, until } })]
}

export interface Vetoed {
  readonly identities: number
  readonly relationships: number
}

/**
 * Stops every recovery of ours that we did not ask for. Peers who were away tell of theirs later: until twice the longest
 * delay is over those are stopped without asking again. Rejects with `NO_RECOVERY_PENDING` or `VETOES_SPENT`.
 */
export async function vetoAll(edge: Edge): Promise<Vetoed> {
  looked.delete(edge)
  await watchIdentities(edge)
  const vetoed = await vetoAlerts(edge)
  if (vetoed.identities + vetoed.relationships === 0) throw fault('NO_RECOVERY_PENDING', 'no recovery of yours waits')
  const delays = (await setups(edge)).flatMap(({ policy }) => policy.paths.map(({ delay }) => delay))
  const until = nowSeconds(edge) + 2 * Math.max(MIN_VETOING_SECONDS, ...delays)
  await edge.records.commit([put('vetoing', 'self', { until })])
  return vetoed
}

/** Part of every sync: what came to light since the owner's veto. */
export async function goOnVetoing(edge: Edge): Promise<void> {
  const vetoing = await edge.records.get('vetoing', 'self')
  if (!vetoing) return
  const { identities, relationships } = await vetoAlerts(edge)
  if (identities + relationships > 0)
    tell(edge, { kind: 'vetoed', text: 'more of the recovery that you stopped came to light, and was stopped too' })
  if (vetoing.until < nowSeconds(edge)) await edge.records.commit([remove('vetoing', 'self')])
}

async function vetoAlerts(edge: Edge): Promise<Vetoed> {
  let identities = 0
  for (const { value } of await edge.records.all('identity')) {
    if (!value.alert) continue
    const { state } = await edge.ports.ledger.resolve(value.did)
    if (!state?.recovery.pending) continue
    try {
      await vetoRecovery(edge, value.did, state)
      identities++
    } catch (error) {
      // Where it takes two devices and no other answers now, contacts are still asked to stop it.
      if (!isKeysteadError(error, 'NEEDS_RECOVERY') && !isKeysteadError(error, 'NOT_ALLOWED_NOW')) throw error
      tell(edge, { kind: 'needs-recovery', text: error.message })
    }
  }
  let relationships = 0
  for (const { value } of await edge.records.all('relationship')) {
    if (!value.alert) continue
    await rotateRelationship(edge, value, { vetoes: entryHash(value.alert.entry) })
    relationships++
  }
  return { identities, relationships }
}
