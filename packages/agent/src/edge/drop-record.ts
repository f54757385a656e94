/** What we keep of a dead drop: halves told when two connect, the agencies of each, and what the peer has acknowledged. */
import { base64url } from '@keystead/core'
import { entryHash } from '@keystead/microledger'
import { MAX_DROP_PLACES } from '../limits.ts'
import { DROP_HALF_BYTES } from '../protocols/dead-drop/drop.ts'
import { type DropOffer, parseDropPlaces } from '../protocols/dead-drop/messages.ts'
import type { Edge } from './context.ts'
import type { Incoming } from './inbox.ts'
import type { Drop, Relationship } from './records.ts'
import { type Change, put } from './store.ts'

/** Our half, for somebody we connect with. `agency`: where our drops are. */
export function newDrop(edge: Edge, agency: string): DropOffer {
  return { half: base64url.encode(edge.ports.random(DROP_HALF_BYTES)), places: [agency] }
}

/** With the peer's half, where they told one. */
export function joinedDrop(ours: DropOffer & Partial<Drop>, theirs: DropOffer | undefined): Drop {
  return { ...ours, peers: theirs?.places ?? [], ...(theirs ? { theirs: theirs.half } : {}) }
}

/** The peer moved: where they look from now on. */
export async function onDropPlaces(edge: Edge, { message, relationship }: Incoming): Promise<Change[]> {
  const places = parseDropPlaces(message.body)
  const drop = relationship && (await edge.records.get('drop', relationship.id))
  return drop ? [put('drop', relationship.id, { ...drop, peers: places })] : []
}

/** The peer has followed to our newest entry. */
export async function acknowledged(edge: Edge, relationship: Relationship): Promise<Change[]> {
  const drop = await edge.records.get('drop', relationship.id)
  const acked = newestHead(relationship)
  if (!drop || acked === undefined || drop.acked === acked) return []
  const { open: _, ...plain } = drop
  return [put('drop', relationship.id, { ...plain, acked })]
}

/** Of our own log: also of a recovery that waits. */
export function newestHead({ mine }: Relationship): string | undefined {
  const entry = mine.entries.at(-1)
  return entry && entryHash(entry)
}

export function placesWith(places: readonly string[], agency: string): string[] {
  return [agency, ...places.filter((place) => place !== agency)].slice(0, MAX_DROP_PLACES)
}
