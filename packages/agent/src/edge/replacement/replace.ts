/**
 * Runs a replacement plan (VAULT-10): the key is compromised first, and the plan is on disk before anything of it is done.
 * Whoever asks again goes on where it stopped; a step that was done is not done twice.
 */
import { KeysteadError } from '@keystead/core'
import type { KeyInfo } from '@keystead/wallet'
import { type Edge, fault, nowSeconds, profileOf } from '../context.ts'
import { rotateCorrespondent } from '../correspondents.ts'
import { rotateIdentity } from '../identity-operations.ts'
import { backUp, backupStatus } from '../log/backup.ts'
import { resumeOperations } from '../operations.ts'
import { flushOutbox } from '../outbox.ts'
import { rotateRelationship } from '../own-log.ts'
import { isOthersTrouble } from '../quietly.ts'
import type { Replacement } from '../records.ts'
import { keepOwnEntry } from '../registry/keep-entry.ts'
import { publishStatusList } from '../status-lists.ts'
import { put, remove } from '../store.ts'
import { tellSubjectKeys } from '../subjects/telling.ts'
import { type KeyUsers, planReplacement, type Step } from './plan.ts'

export type StepOutcome = 'done' | 'waiting' | 'by hand'

export interface PlannedReplacement {
  readonly key: KeyInfo
  /** Seconds since 1970. */
  readonly since: number
  readonly steps: readonly (Step & { readonly outcome?: StepOutcome; readonly why?: string })[]
}

/** What would be done. `since` defaults to now, or to what was said before. Rejects with `NO_SUCH_KEY` and `BAD_TIME`. */
export async function planFor(edge: Edge, name: string, since?: number): Promise<PlannedReplacement> {
  const key = await findKey(edge, name)
  const stored = await edge.records.get('replacement', key.keyId)
  if (stored) return shown(key, stored)
  const now = nowSeconds(edge)
  const { sinceMax } = edge.ports.ledger.genesis.parameters
  if (since !== undefined && (since > now || since < now - sinceMax))
    throw fault('BAD_TIME', `"since" lies between now and ${Math.floor(sinceMax / 86_400)} days ago`)
  const from = since ?? now
  return { key, since: from, steps: planReplacement(key, from, await keyUsers(edge)) }
}

/** Marks the key and runs what is left of its plan. Never rejects because somebody is away. */
export async function replaceCompromised(edge: Edge, name: string, since?: number): Promise<PlannedReplacement> {
  const { key, since: from, steps } = await planFor(edge, name, since)
  const { keyId } = key
  let plan = await edge.records.get('replacement', keyId)
  if (!plan) {
    plan = { since: from, steps: steps.map(({ kind, subject, text }) => ({ kind, subject, text })), done: [] }
    await edge.records.commit([put('replacement', keyId, plan)])
  }
  await mark(edge, key)
  await resumeOperations(edge)
  const why = new Map<number, string>()
  for (const [number, step] of plan.steps.entries()) {
    if (plan.done.includes(number) || isForOwner(step)) continue
    const waits = await attempt(edge, keyId, step, plan.since)
    if (waits !== undefined) why.set(number, waits)
    else {
      plan = { ...plan, done: [...plan.done, number] }
      await edge.records.commit([put('replacement', keyId, plan)])
    }
  }
  return shown(await findKey(edge, keyId), plan, why)
}

async function mark(edge: Edge, { keyId, events }: KeyInfo): Promise<void> {
  if (events.some(({ to }) => to === 'compromised' || to === 'destroyed')) return
  await edge.ports.vault.setKeyState(keyId, 'compromised', 'key compromise')
}

/** Undefined when it is done; else what it waits for. */
async function attempt(edge: Edge, keyId: string, step: Step, since: number): Promise<string | undefined> {
  try {
    return await perform(edge, keyId, step, since)
  } catch (error) {
    if (!isOthersTrouble(error)) throw error
    return error.message
  }
}

async function perform(edge: Edge, keyId: string, step: Step, since: number): Promise<string | undefined> {
  const { records } = edge
  const { kind, subject } = step
  switch (kind) {
    case 'identity': {
      const names = async (): Promise<boolean> =>
        Object.values((await records.get('identity-keys', subject)) ?? {}).includes(keyId)
      if (await names()) await rotateIdentity(edge, subject, { compromisedSince: since })
      return (await names()) ? 'it waits for the ledger, or for another device of yours to approve it' : undefined
    }
    case 'status list': {
      const list = await records.get('issuer', subject)
      if (list) await publishStatusList(edge, subject, list)
      return undefined
    }
    case 'subject entry': {
      if ((await records.get('subject-key', subject))?.keyId !== keyId) return undefined
      await records.commit([remove('subject-key', subject)])
      await tellSubjectKeys(edge)
      return undefined
    }
    case 'relationship': {
      const relationship = await records.get('relationship', subject)
      if (relationship?.status !== 'connected' || !(await didNames(edge, relationship.mine.state.now.did, keyId)))
        return undefined
      const { mine } = await rotateRelationship(edge, relationship)
      return (await didNames(edge, mine.state.now.did, keyId)) ? 'another device of yours comes first' : undefined
    }
    case 'correspondent': {
      const correspondent = await records.get('correspondent', subject)
      if (correspondent?.status !== 'connected' || !(await didNames(edge, correspondent.own, keyId))) return undefined
      const { own } = await rotateCorrespondent(edge, correspondent)
      return (await didNames(edge, own, keyId)) ? 'another device of yours comes first' : undefined
    }
    case 'own entry': {
      const key = await records.get('agent-key', subject)
      if (!key?.own) return undefined
      await records.commit([put('agent-key', subject, { ...key, own: { ...key.own, exp: since } })])
      await keepOwnEntry(edge)
      return (await records.get('agent-key', subject)) ? 'nothing can be changed there now' : undefined
    }
    case 'backup':
      await flushOutbox(edge)
      await backUp(edge)
      return (await backupStatus(edge)).holders.some(({ whole }) => whole)
        ? undefined
        : 'no holder of the backup is there'
    case 'credential':
    case 'by hand':
      return undefined
  }
}

async function didNames(edge: Edge, did: string, keyId: string): Promise<boolean> {
  const own = await edge.records.get('own-did', did)
  return own?.authentication.keyId === keyId || own?.keyAgreement.keyId === keyId
}

const isForOwner = ({ kind }: Step): boolean => kind === 'by hand' || kind === 'credential'

function shown(key: KeyInfo, { since, steps, done }: Replacement, why = new Map<number, string>()): PlannedReplacement {
  return {
    key,
    since,
    steps: steps.map((step, number) => {
      const outcome = isForOwner(step) ? 'by hand' : done.includes(number) ? 'done' : 'waiting'
      const reason = why.get(number)
      return { ...step, outcome, ...(reason === undefined ? {} : { why: reason }) }
    }),
  }
}

/** By id or the beginning of one. */
async function findKey(edge: Edge, name: string): Promise<KeyInfo> {
  const found = (await edge.ports.vault.keys()).filter(({ keyId }) => keyId.startsWith(name))
  const [key, ...others] = found
  if (!key || others.length > 0) throw new KeysteadError('NO_SUCH_KEY', `${found.length} keys begin with "${name}"`)
  return key
}

async function keyUsers(edge: Edge): Promise<KeyUsers> {
  const all = async <C extends Parameters<typeof edge.records.all>[0]>(category: C) =>
    (await edge.records.all(category)).map(({ value }) => value)
  const log = await edge.records.get('log', 'self')
  return {
    profile: await profileOf(edge),
    identities: await all('identity'),
    identityKeys: await all('identity-keys'),
    ownDids: await all('own-did'),
    relationships: await all('relationship'),
    relationshipKeys: await all('relationship-keys'),
    correspondents: await all('correspondent'),
    issued: await all('issued'),
    devices: await all('device'),
    agentKeys: await all('agent-key'),
    subjectKeys: await all('subject-key'),
    setups: await all('setup'),
    ...(log ? { log } : {}),
  }
}
