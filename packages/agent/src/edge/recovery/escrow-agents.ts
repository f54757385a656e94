/** Escrow agents as the owner sees them: who they say they are, signed by their DID and checked here. */
import { KeysteadError, parseJson } from '@keystead/core'
import type { PublicKey } from '@keystead/crypto'
import { verificationMethods } from '@keystead/did'
import { readAnswer } from '@keystead/light-client'
import { type AgentDescriptor, readDescriptor } from '@keystead/recovery'
import { type Edge, fault } from '../context.ts'

const MAX_DESCRIPTOR_BYTES = 16 * 1024
const TIMEOUT_MS = 10_000

/** In the order of the addresses. Rejects with `AGENCY_UNREACHABLE`, `NO_ESCROW` or `BAD_ESCROW`. */
export function escrowAgents(edge: Edge, urls: readonly string[]): Promise<AgentDescriptor[]> {
  return Promise.all(urls.map((url) => escrowAgent(edge, url.replace(/\/+$/, ''))))
}

async function escrowAgent(edge: Edge, url: string): Promise<AgentDescriptor> {
  let answer: { status: number; bytes: Uint8Array }
  try {
    const response = await edge.ports.fetch(`${url}/v1/escrow`, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    answer = { status: response.status, bytes: await readAnswer(response, MAX_DESCRIPTOR_BYTES) }
  } catch (cause) {
    throw fault('AGENCY_UNREACHABLE', `no agency answers at ${url}`, cause)
  }
  if (answer.status !== 200) throw fault('NO_ESCROW', `the agency at ${url} keeps no shares behind PINs`)
  const descriptor = await readDescriptor(parseJson(answer.bytes, MAX_DESCRIPTOR_BYTES), (did) => keysOf(edge, did))
  if (new URL(descriptor.endpoint).origin !== new URL(url).origin)
    throw new KeysteadError('BAD_ESCROW', `what answers at ${url} says that it is at ${descriptor.endpoint}`)
  return descriptor
}

async function keysOf(edge: Edge, did: string): Promise<PublicKey<'ed25519'>[]> {
  const { didDocument } = await edge.resolver.resolve(did)
  const methods = didDocument ? verificationMethods(didDocument, 'authentication') : []
  return methods.flatMap(({ publicKey }) =>
    publicKey?.suite === 'ed25519' ? [{ suite: 'ed25519', bytes: publicKey.bytes } as const] : [],
  )
}
