/** What guardians of ours did is known by their keys, whether they say so or not. It is no alarm: they were granted it. */
import { keyDigestOf } from '@keystead/did-dkms'
import type { Edge } from '../context.ts'
import { isOthersTrouble } from '../quietly.ts'

/**
 * Whether each operation of the DID after this one is signed by guardians of ours and by nobody else. An owner's own keys beside
 * theirs may be a thief's; a ledger that does not show the operations hides whose they are.
 */
export async function madeByGuardians(edge: Edge, did: string, after: number): Promise<boolean> {
  const guardians = (await edge.records.all('guardian')).flatMap(({ value }) => value.opening ?? [])
  const methods = new Set(guardians.map(({ k }) => `${did}#${keyDigestOf(k)}`))
  if (methods.size === 0) return false
  try {
    const { bundle } = await edge.ports.ledger.history(did)
    const since = bundle.entries.map(({ submission }) => submission.operation).filter(({ seq }) => seq > after)
    return since.length > 0 && since.every(({ proof }) => proof.every((one) => methods.has(one.verificationMethod)))
  } catch (error) {
    if (!isOthersTrouble(error)) throw error
    return false
  }
}
