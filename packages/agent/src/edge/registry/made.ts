/** What guardians of ours, and others of our devices, did is known by their entries. It is no alarm: they were granted it. */
import { digestOfOpening, keyDigestOf, type Operation } from '@keystead/did-dkms'
import type { Edge } from '../context.ts'
import { siblings } from '../own-devices/list.ts'
import { isOthersTrouble } from '../quietly.ts'

/** In words, by names: "erin, your guardian". */
type Makers = ReadonlyMap<string, { readonly who: string; readonly guardian: boolean }>

/**
 * Who of them signed the operations of the DID after this one; nobody where anybody else signed one. An owner's own keys beside theirs
 * may be a thief's; a ledger that does not show the operations hides whose they are. Of devices anchors alone: whoever issues makes one
 * for each credential (CREDENTIAL-24), and nothing else of theirs goes without the alarm.
 */
export async function whoMade(edge: Edge, did: string, after: number): Promise<string[]> {
  const makers = await makersOf(edge)
  if (makers.size === 0) return []
  try {
    const { bundle } = await edge.ports.ledger.history(did)
    const since = bundle.entries.map(({ submission }) => submission.operation).filter(({ seq }) => seq > after)
    const signers = since.flatMap((operation) => signersOf(operation, makers))
    return signers.some((who) => who === undefined) ? [] : [...new Set(signers as string[])]
  } catch (error) {
    if (!isOthersTrouble(error)) throw error
    return []
  }
}

/** By the names of their entries. A device that was revoked is none of them. */
async function makersOf(edge: Edge): Promise<Makers> {
  const makers = new Map<string, { who: string; guardian: boolean }>()
  for (const { h, name } of await siblings(edge))
    if (h !== undefined) makers.set(h, { who: `${name}, a device of yours`, guardian: false })
  for (const { value } of await edge.records.all('guardian')) {
    const { label = 'a contact' } = (await edge.records.get('relationship', value.relationship)) ?? {}
    if (value.opening) makers.set(digestOfOpening(value.opening), { who: `${label}, your guardian`, guardian: true })
  }
  return makers
}

function signersOf(operation: Operation, makers: Makers): (string | undefined)[] {
  const open = 'open' in operation ? (operation.open ?? []) : []
  return operation.proof.map(({ verificationMethod }) => {
    const opening = open.find(({ k }) => verificationMethod === `${operation.did}#${keyDigestOf(k)}`)
    const maker = opening && makers.get(digestOfOpening(opening))
    return maker && (maker.guardian || operation.type === 'anchor') ? maker.who : undefined
  })
}
