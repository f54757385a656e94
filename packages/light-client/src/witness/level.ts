/** Whether independent witnesses vouch for an accepted head (WITNESS-4), as the node shows what they cosigned (WITNESS-2). */
import { isKeysteadError, utf8Decode } from '@keystead/core'
import type { NetworkGenesis } from '@keystead/did-dkms'
import { decodeHashes } from '../bundle.ts'
import { MAX_BUNDLE_BYTES, MAX_NOTE_BYTES } from '../limits.ts'
import type { Accepted } from '../trust.ts'
import { parseCheckpoint } from './checkpoint.ts'
import { parseNote } from './note.ts'
import { type WitnessPolicy, witnessed } from './policy.ts'

/**
 * `ask` fetches a path of the node. What it shows can only raise the level; without it, the level stays. One validator's word
 * stays `operator-signed` (PROOF-7), with the witnesses beside it.
 */
export async function askWitnesses(
  accepted: Accepted,
  policy: WitnessPolicy,
  genesis: NetworkGenesis,
  now: number,
  ask: (path: string, maxBytes: number) => Promise<Uint8Array>,
): Promise<Accepted> {
  const { level, pin, confirmed } = accepted
  const alone = { ...accepted, witnesses: [] }
  // Whoever is named beside `unverified` would seem to vouch for what nobody confirms.
  if (!confirmed) return alone
  try {
    const note = utf8Decode(await ask('/v1/witnessed', MAX_NOTE_BYTES))
    const { size } = parseCheckpoint(parseNote(note).text)
    const grew = size > 0 && size < pin.logSize
    const path = grew ? decodeHashes(await ask(`/v1/consistency/${size}/${pin.logSize}`, MAX_BUNDLE_BYTES)) : []
    const { met, cosigned } = witnessed(pin.head, { note, path }, genesis, policy, now)
    const witnesses = cosigned.map(({ witness }) => witness)
    return { ...accepted, level: met && level === 'bft' ? 'bft+witnessed' : level, witnesses }
  } catch (error) {
    if (isKeysteadError(error)) return alone
    throw error
  }
}
