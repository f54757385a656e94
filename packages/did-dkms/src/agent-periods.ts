/**
 * From when until when an agent's entry stood, and for what (DKMS-43): what a verifier asks of an agent that shows itself by its
 * opening. The document does not show these keys, so `capabilitiesOf` is asked of each version of the history.
 */
import { capabilitiesOf, digestOfOpening } from './agents.ts'
import { CAPABILITY } from './capabilities.ts'
import type { History } from './history.ts'
import { type KeyPeriod, KeyPeriods } from './key-periods.ts'
import type { BodyKey, Opening, Purpose } from './types.ts'

/** What an agent signs as the DID, by the relationship of a document that its key would stand in. */
const AS = [
  [CAPABILITY.ASSERT, 'assertionMethod'],
  [CAPABILITY.AUTHENTICATE, 'authentication'],
] as const satisfies readonly (readonly [number, Purpose])[]

/** `end`: the time at which the history was read, seconds since 1970. */
export function agentPeriods({ versions }: Pick<History, 'versions'>, opening: Opening, end: number): KeyPeriod[] {
  const periods = new KeyPeriods()
  const h = digestOfOpening(opening)
  for (const [index, { from, state }] of versions.entries()) {
    const caps = capabilitiesOf(state, opening, from)
    const purposes = AS.flatMap(([bit, purpose]) => ((caps & bit) === 0 ? [] : [purpose]))
    const shown: BodyKey[] = purposes.length > 0 ? [{ k: opening.k, purposes }] : []
    periods.look(state, shown, from)
    const declared = state.compromises.at(-1)
    if (declared?.seq === state.seq && declared.at === from) periods.compromise(declared.since)
    const { exp = Number.POSITIVE_INFINITY } = state.agents.find((agent) => agent.h === h) ?? {}
    if (exp > from && exp <= end && exp < (versions[index + 1]?.from ?? Number.POSITIVE_INFINITY))
      periods.look(state, [], exp)
  }
  return periods.all()
}
