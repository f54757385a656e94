/** A device that is to write its owner's log (SYNC-13): it makes its own chain and keys, and is given no key. */
import { base64url, type JsonObject } from '@keystead/core'
import type { PublicKey } from '@keystead/crypto'
import type { LogDevice } from '@keystead/wallet'
import { candidateBody, candidateTranscript } from '../../protocols/own-devices/log-membership.ts'
import type { Edge } from '../context.ts'
import { ED25519, XWING } from '../key-types.ts'
import { put } from '../store.ts'
import type { LogCandidate } from './records.ts'

/** Made once: what was promised before a crash is promised after it. */
export async function ownCandidate(edge: Edge): Promise<LogCandidate> {
  const known = await edge.records.get('log-candidate', 'self')
  if (known) return known
  const { vault, random } = edge.ports
  const signing = await vault.createKey(ED25519, 'backups')
  const sealing = await vault.createKey(XWING, 'log sealing')
  const made = { chain: base64url.encode(random(16)), signing: signing.keyId, sealing: sealing.keyId }
  await edge.records.commit([put('log-candidate', 'self', made)])
  return made
}

/** Its public halves. */
export async function listedAs(edge: Edge, { chain, signing, sealing }: LogCandidate): Promise<LogDevice> {
  const { vault } = edge.ports
  const key = (await vault.key(signing, ED25519)).publicKey
  const kem = (await vault.key(sealing, XWING)).publicKey
  return {
    chain,
    key: { suite: 'ed25519', bytes: key.bytes },
    kem: kem as PublicKey<'x-wing'>,
  }
}

/** What it tells the others, signed for this account by the key of its chain. */
export async function offerOf(edge: Edge, made: LogCandidate, account: string): Promise<JsonObject> {
  const device = await listedAs(edge, made)
  const key = await edge.ports.vault.key(made.signing, ED25519)
  return candidateBody(device, await key.sign(candidateTranscript(account, device)))
}
