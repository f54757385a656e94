/**
 * Dead drops at work (row V18, `spec/dead-drop.md`): while messages to a peer fail, our newest entries lie in our drop for them,
 * and theirs are looked for in theirs. What is found is judged as if it had come by message: a drop carries, it does not vouch.
 */
import { base64url, canonicalText, isKeysteadError, type JsonObject } from '@keystead/core'
import { encodeMultikey, sha256 } from '@keystead/crypto'
import { didOf, peerShortForm } from '@keystead/did'
import { attachmentBytes } from '@keystead/didcomm'
import { entryDid, parseEntry } from '@keystead/microledger'
import { DROP_AFTER_SECONDS, DROP_LOOK_SECONDS } from '../limits.ts'
import { RELATIONSHIP_ALERT, RELATIONSHIP_ENTRY } from '../protocols/connect/messages.ts'
import {
  DROP_BOX_BYTES,
  type DropKeys,
  dropAddress,
  dropKeys,
  dropSecret,
  openDrop,
  sealDrop,
} from '../protocols/dead-drop/drop.ts'
import {
  DROP_BOX,
  DROP_GET,
  DROP_PLACES,
  DROP_PUT,
  parseDropBox,
  putTranscript,
} from '../protocols/dead-drop/messages.ts'
import { askAsNobody } from './agency-link.ts'
import { type Edge, isReachable, nowSeconds, profileOf, randomId, tell, toPeer } from './context.ts'
import { newestHead, placesWith } from './drop-record.ts'
import { ED25519 } from './key-types.ts'
import { wasOrIs } from './outbox.ts'
import { onEntries } from './peer-log.ts'
import type { Drop, OutboxItem, Relationship } from './records.ts'
import { type Change, put } from './store.ts'

/** Part of every sync: peers learn where our drops are after we moved. */
export async function tellDropPlaces(edge: Edge): Promise<void> {
  const { agency } = await profileOf(edge)
  if (!agency) return
  for (const { name, value: drop } of await edge.records.all('drop')) {
    if (drop.places[0] === agency.did) continue
    const relationship = await edge.records.get('relationship', name)
    if (!isReachable(relationship)) continue
    const places = placesWith(drop.places, agency.did)
    await edge.records.commit([
      put('drop', name, { ...drop, places }),
      toPeer(edge, relationship, { type: DROP_PLACES, body: { places } }),
    ])
  }
}

/** Part of every sync, when the outbox has been tried. True when something waits that can be tried anew. */
export async function goOnDrops(edge: Edge): Promise<boolean> {
  let again = false
  const waiting = await undelivered(edge)
  for (const { name, value: drop } of await edge.records.all('drop')) {
    const relationship = await edge.records.get('relationship', name)
    if (!relationship?.peer || relationship.status !== 'connected' || drop.theirs === undefined) continue
    const fails = waiting.some(({ message }) => isTo(message.to, relationship))
    await leave(edge, relationship, drop, fails)
    if (!fails) continue
    again = (await look(edge, relationship)) || again
    again = (await readdress(edge, name)) || again
  }
  return again
}

type Waiting = Extract<OutboxItem, { kind: 'message' }>

async function undelivered(edge: Edge): Promise<Waiting[]> {
  return (await edge.records.all('outbox')).flatMap(({ value }) =>
    value.kind === 'message' && value.message.type !== RELATIONSHIP_ALERT ? [value] : [],
  )
}

const isTo = (did: string, { peer }: Relationship): boolean => wasOrIs(peerShortForm(didOf(did)), peer)

/** Our newest entries, once each, where the peer would look: when they cannot be brought, or nobody answers to them for a day. */
async function leave(edge: Edge, relationship: Relationship, drop: Drop, fails: boolean): Promise<void> {
  const head = newestHead(relationship)
  if (head === undefined || relationship.mine.entries.length < 2 || drop.acked === head || drop.left === head) return
  const now = nowSeconds(edge)
  const open = drop.open?.head === head ? drop.open : { head, since: now }
  if (open !== drop.open) await update(edge, relationship.id, { open })
  if (!fails && now < open.since + DROP_AFTER_SECONDS) return
  let reached = 0
  for (const agency of placesOf(drop))
    try {
      await putBox(edge, relationship, drop, agency)
      reached++
    } catch (error) {
      if (!isKeysteadError(error)) throw error
      tell(edge, { kind: 'waiting', text: `a dead drop: ${error.message}` })
    }
  if (reached > 0) await update(edge, relationship.id, { left: head })
}

async function putBox(edge: Edge, { mine }: Relationship, drop: Drop, agency: string): Promise<void> {
  const { seed, box: boxKey } = keysOf(drop, mine.state.rel, agency, drop.half)
  const key = await edge.ports.keys.fromSecret(ED25519, seed)
  try {
    const publicKey = { suite: 'ed25519', bytes: key.publicKey.bytes } as const
    const place = { address: dropAddress(publicKey), seq: nowSeconds(edge) }
    const box = sealDrop(boxKey, place, mine.entries as unknown as JsonObject[], edge.ports.random)
    if (box.length !== DROP_BOX_BYTES) return
    const hash = base64url.encode(sha256(box))
    const signature = base64url.encode(await key.sign(putTranscript({ agency, ...place, hash })))
    const body = { ...place, key: encodeMultikey(publicKey), signature }
    await askAsNobody(edge, agency, { type: DROP_PUT, body, attachment: box })
  } finally {
    key.destroy()
    seed.fill(0)
    boxKey.fill(0)
  }
}

/** What the peer left for us. True when their log went on by it. */
async function look(edge: Edge, relationship: Relationship): Promise<boolean> {
  const drop = await edge.records.get('drop', relationship.id)
  if (!drop || nowSeconds(edge) < (drop.looked ?? 0) + DROP_LOOK_SECONDS) return false
  await update(edge, relationship.id, { looked: nowSeconds(edge) })
  const before = relationship.peer?.state
  for (const agency of placesOf(drop))
    try {
      await takeUp(edge, relationship.id, agency)
    } catch (error) {
      if (!isKeysteadError(error)) throw error
      if (error.code !== 'NO_DROP') tell(edge, { kind: 'waiting', text: `a dead drop: ${error.message}` })
    }
  const after = (await edge.records.get('relationship', relationship.id))?.peer?.state
  if (canonicalText(after as never) === canonicalText(before as never)) return false
  tell(edge, {
    kind: 'found-again',
    text: `${relationship.label} left word where they are now`,
    relationship: relationship.id,
  })
  return true
}

async function takeUp(edge: Edge, id: string, agency: string): Promise<void> {
  const relationship = await edge.records.get('relationship', id)
  const drop = await edge.records.get('drop', id)
  if (!relationship || drop?.theirs === undefined) return
  const { seed, box: boxKey } = keysOf(drop, relationship.mine.state.rel, agency, drop.theirs)
  const key = await edge.ports.keys.fromSecret(ED25519, seed)
  const address = dropAddress({ suite: 'ed25519', bytes: key.publicKey.bytes })
  key.destroy()
  seed.fill(0)
  const answer = await askAsNobody(edge, agency, { type: DROP_GET, body: { address } })
  const [attachment] = answer.attachments ?? []
  const box = parseDropBox(answer.body)
  if (answer.type !== DROP_BOX || !attachment || box.address !== address || box.seq <= (drop.taken ?? 0)) return
  const entries = openDrop(boxKey, box, attachmentBytes(attachment))
  boxKey.fill(0)
  const changes = entries && (await judged(edge, relationship, entries))
  if (changes) await edge.records.commit([...changes, put('drop', id, { ...drop, taken: box.seq })])
  else tell(edge, { kind: 'drop-refused', text: 'what lies in a dead drop is not of its peer', relationship: id })
}

/**
 * As if the entries had come by message; undefined unless they lead to where the peer is, or will be when their recovery is over:
 * nothing is answered to a DID that somebody else put there.
 */
async function judged(
  edge: Edge,
  relationship: Relationship,
  entries: readonly JsonObject[],
): Promise<Change[] | undefined> {
  const all = (await edge.records.all('own-did')).map(({ value }) => value)
  const own = all.findLast((one) => one.relationship === relationship.id)
  if (!own) return undefined
  try {
    const from = entryDid(parseEntry(entries.at(-1) as JsonObject))
    const message = { id: randomId(edge), type: RELATIONSHIP_ENTRY, body: { entries: [...entries] } }
    const changes = await onEntries(edge, { message, from, own, relationship })
    const after = changes.find(({ category, name }) => category === 'relationship' && name === relationship.id)
    const state = (after?.value as Relationship | undefined)?.peer?.state
    const pending = state?.recovery.pending
    if (state?.now.did !== from && !(pending && entryDid(pending.entry) === from)) return undefined
    // While our own recovery waits, the keys that would acknowledge are not here.
    return relationship.recovering ? changes.filter(({ category }) => category !== 'outbox') : changes
  } catch (error) {
    if (isKeysteadError(error)) return undefined
    throw error
  }
}

/** What waits for a DID that the peer has left goes to the one they have now. */
async function readdress(edge: Edge, id: string): Promise<boolean> {
  const relationship = await edge.records.get('relationship', id)
  const now = relationship?.peer?.state.now
  if (!relationship || !now) return false
  const changes: Change[] = []
  for (const { name, value } of await edge.records.all('outbox')) {
    if (value.kind !== 'message' || value.message.type === RELATIONSHIP_ALERT || !isTo(value.message.to, relationship))
      continue
    if (peerShortForm(didOf(value.message.to)) === now.did) continue
    changes.push(put('outbox', name, { ...value, message: { ...value.message, to: now.did } }))
  }
  await edge.records.commit(changes)
  return changes.length > 0
}

function keysOf(drop: Drop, rel: string, agency: string, writer: string): DropKeys {
  const secret = dropSecret(base64url.decode(drop.half), base64url.decode(drop.theirs ?? ''), rel)
  try {
    return dropKeys(secret, agency, writer)
  } finally {
    secret.fill(0)
  }
}

/** Of both parties, each once: whoever still has an account at one of them or not. */
function placesOf({ places, peers }: Drop): string[] {
  return [...new Set([...places, ...peers])]
}

async function update(edge: Edge, id: string, change: Partial<Drop>): Promise<void> {
  const drop = await edge.records.get('drop', id)
  if (drop) await edge.records.commit([put('drop', id, { ...drop, ...change })])
}
