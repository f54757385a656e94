/** The node's own resolver of did:dkms: every answer with the bundle that proves it, read exactly as a client will read it. */
import type { JsonObject } from '@keystead/core'
import {
  combineResolvers,
  type DidDocument,
  type DidResolver,
  type ResolutionOptions,
  type ResolutionResult,
  unresolved,
} from '@keystead/did'
import {
  deriveDocument,
  documentMetadata,
  type NetworkHistory,
  networkHash,
  networkLabel,
  parseDkmsDid,
  replayNetwork,
  resolveVersion,
  versionQuery,
} from '@keystead/did-dkms'
import {
  historyProof,
  type ProofBundle,
  readHistory as provenHistory,
  readState,
  stateProof,
} from '@keystead/light-client'
import type { Ledger, View } from '../engine/ledger.ts'
import { readBundle, readHistory, readNetworkBundle } from './read.ts'

export interface ResolverOptions {
  /** Seconds after which a read makes a fresh block first. */
  readonly freshSeconds: number
  /** Log size from which the asker wants a consistency proof. */
  readonly consistencyFrom: number | undefined
}

export function nodeResolver(ledger: Ledger, { freshSeconds, consistencyFrom }: ResolverOptions): DidResolver {
  return combineResolvers({
    dkms: {
      versions: true,
      resolve: async (did, options) => {
        if (!isDkmsDid(did)) return unresolved('INVALID_DID', 'this is not a did:dkms')
        await ledger.refresh(freshSeconds)
        const { versionId, versionTime } = options
        const current = versionId === undefined && versionTime === undefined
        return (current ? readCurrent : readVersion)(ledger, ledger.view(), did, options, consistencyFrom)
      },
    },
  })
}

export function isDkmsDid(did: string): boolean {
  try {
    return parseDkmsDid(did).did === did
  } catch {
    return false
  }
}

function readCurrent(
  ledger: Ledger,
  view: View,
  did: string,
  _: ResolutionOptions,
  consistencyFrom: number | undefined,
): ResolutionResult {
  const bundle = readBundle(view, did, consistencyFrom)
  const { state, body, at } = readState(did, bundle, ledger)
  if (!state) return absent(ledger, did, bundle)
  return found(deriveDocument(state, body), documentMetadata(state, at.lost), stateProof(bundle))
}

/** An older version is proven by the history it is read from. */
function readVersion(
  ledger: Ledger,
  view: View,
  did: string,
  options: ResolutionOptions,
  consistencyFrom: number | undefined,
): ResolutionResult {
  const bundle = readHistory(view, did, consistencyFrom)
  if (!bundle.proof.state) return absent(ledger, did, bundle.proof)
  const version = resolveVersion(
    provenHistory(did, bundle, ledger, networkHistory(ledger, view)).history,
    versionQuery(options),
  )
  const proof = historyProof(bundle)
  if (version) return found(version.document, version.metadata, proof)
  return { ...unresolved('NOT_FOUND', 'the DID never had such a version'), didDocumentMetadata: { proof: [proof] } }
}

function networkHistory({ genesis, rules }: Ledger, view: View): NetworkHistory {
  return replayNetwork(genesis, readNetworkBundle(view, networkHash(genesis)).entries, rules)
}

/** Without a level: that is the reader's to find (rule 16). */
function found(didDocument: DidDocument, metadata: JsonObject, proof: JsonObject): ResolutionResult {
  return { didDocument, didResolutionMetadata: {}, didDocumentMetadata: { ...metadata, proof: [proof] } }
}

function absent({ genesis }: Ledger, did: string, bundle: ProofBundle): ResolutionResult {
  const ours = parseDkmsDid(did).network === networkLabel(networkHash(genesis))
  const detail = ours ? 'the ledger has no such DID; the proof shows it' : 'this DID is of another network'
  return { ...unresolved('NOT_FOUND', detail), didDocumentMetadata: { proof: [stateProof(bundle)] } }
}
