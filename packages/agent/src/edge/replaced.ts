/**
 * RELATIONSHIP-33: what was sent to a DID or a key of ours before its sender knew of the next is still read, for a time. A
 * message may wait at an agency that was left, or in a sender's outbox, while later ones have come by the new way.
 */
import { MAIL_DAYS, MAX_REPLACED_KEYS, REPLACED_SECONDS } from '../limits.ts'
import { type Edge, nowSeconds, profileOf, queueRecipient } from './context.ts'
import { destroyKeys, giveUp } from './key-life.ts'
import type { OwnDid } from './records.ts'
import { type Change, put, remove } from './store.ts'

/** DIDs of ours whose peers write to the next one by now. Their keys sign nothing and send nothing any more. */
export async function replaceDids(edge: Edge, dids: readonly OwnDid[]): Promise<Change[]> {
  const fresh = dids.filter(({ replacedAt }) => replacedAt === undefined)
  await giveUp(edge, await unused(edge, fresh))
  return fresh.map((own) => put('own-did', own.did, { ...own, replacedAt: nowSeconds(edge) }))
}

/** A DID of ours with other keys than before, which stay readable. */
export async function withReplacedKeys(edge: Edge, after: OwnDid): Promise<OwnDid> {
  const before = await edge.records.get('own-did', after.did)
  if (!before || before.keyAgreement.keyId === after.keyAgreement.keyId) return after
  const replaced = [...(before.replacedKeys ?? []), { ...before.keyAgreement, replacedAt: nowSeconds(edge) }]
  return { ...after, replacedKeys: replaced.slice(-MAX_REPLACED_KEYS) }
}

/** Part of every sync: those whose time is over, keys destroyed first. */
export async function forgetReplaced(edge: Edge): Promise<void> {
  const { former } = await profileOf(edge)
  // An agency that was left passes on what waits there, as long as it keeps anything.
  const seconds = former ? MAIL_DAYS * 86_400 : REPLACED_SECONDS
  const isOver = ({ replacedAt = Infinity }: { replacedAt?: number }) => replacedAt + seconds < nowSeconds(edge)
  for (const { name, value: own } of await edge.records.all('own-did')) {
    if (isOver(own)) {
      await destroyKeys(edge, await unused(edge, [own], 'replaced too'))
      await edge.records.commit([remove('own-did', name), queueRecipient(edge, name, 'remove')])
      continue
    }
    const keys = own.replacedKeys?.filter((key) => !isOver(key))
    if (keys?.length === own.replacedKeys?.length) continue
    await destroyKeys(
      edge,
      (own.replacedKeys ?? []).filter(isOver).map(({ keyId }) => keyId),
    )
    const { replacedKeys: _, ...plain } = own
    await edge.records.commit([put('own-did', name, keys?.length ? { ...plain, replacedKeys: keys } : plain)])
  }
}

/** A device keeps its keys while another one rotates: those that a later DID of ours has too stay. */
async function unused(edge: Edge, dids: readonly OwnDid[], also?: 'replaced too'): Promise<string[]> {
  const given = new Set(dids.map(({ did }) => did))
  const others = (await edge.records.all('own-did')).map(({ value }) => value)
  const kept = others.filter(({ did, replacedAt }) => !given.has(did) && (also || replacedAt === undefined))
  const used = new Set(kept.flatMap(keysOf))
  return dids.flatMap(keysOf).filter((keyId) => !used.has(keyId))
}

const keysOf = ({ authentication, keyAgreement }: OwnDid): string[] => [authentication.keyId, keyAgreement.keyId]
