/** What guardians of ours did is known by their keys, whether they say so or not. It is no alarm: they were granted it. */
import { keyDigestOf } from '@keystead/did-dkms'
import type { Edge } from '../context.ts'
import { isOthersTrouble } from '../quietly.ts'

/**
 * Names of the guardians of ours who signed the operations of the DID after this one; nobody where anybody else signed one. An owner's
 * own keys beside theirs may be a thief's; a ledger that does not show the operations hides whose they are.
 */
export async function guardiansWhoMade(edge: Edge, did: string, after: number): Promise<string[]> {
  const names = new Map<string, string>()
  for (const { value } of await edge.records.all('guardian')) {
    const { label = 'a contact' } = (await edge.records.get('relationship', value.relationship)) ?? {}
    if (value.opening) names.set(`${did}#${keyDigestOf(value.opening.k)}`, label)
  }
  if (names.size === 0) return []
  try {
    const { bundle } = await edge.ports.ledger.history(did)
    const since = bundle.entries.map(({ submission }) => submission.operation).filter(({ seq }) => seq > after)
    const signers = since.flatMap(({ proof }) => proof.map(({ verificationMethod }) => names.get(verificationMethod)))
    return signers.some((name) => name === undefined) ? [] : [...new Set(signers as string[])]
  } catch (error) {
    if (!isOthersTrouble(error)) throw error
    return []
  }
}
