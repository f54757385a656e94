/**
 * Parameters and rules in force, proven (NET-8): the tick leaf, which every bundle proves, names the network's leaves by one
 * digest. While it is that of the genesis document nothing more is needed; afterwards the bundle shows what it is made of.
 */
import { canonicalJson, type Fields, type JsonObject, KeysteadError, multihash } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import {
  initialNetwork,
  type NetworkDigests,
  type NetworkGenesis,
  type NetworkParameters,
  networkDigest,
  networkDigests,
  type ParametersLeaf,
  readParameters,
} from '@keystead/did-dkms'
import type { LedgerReadErrorCode } from './errors.ts'

/** The parameters leaf itself and the digests of the other three. */
export interface NetworkShown {
  readonly parameters: ParametersLeaf
  readonly digests: Omit<NetworkDigests, 'parameters'>
}

export function networkToJson({ parameters, digests }: NetworkShown): JsonObject {
  return { ...digests, parameters: parameters as unknown as JsonObject }
}

/** Throws errors of `Fields`. */
export function networkFromJson(f: Fields): NetworkShown {
  const digest = (name: string): string => f.decoded(name, 46, (text) => multihash.encode(multihash.decode(text)))
  const p = f.object('parameters')
  const shown = {
    parameters: readParameters(p),
    digests: { governance: digest('governance'), protocol: digest('protocol'), validators: digest('validators') },
  }
  p.end()
  f.end()
  return shown
}

/** `digest`: of the proven system leaf. Throws `PROOF_INVALID` when what is shown is not what it is made of. */
export function provenParameters(
  digest: string,
  genesis: NetworkGenesis,
  shown: NetworkShown | undefined,
): NetworkParameters {
  const first = digest === genesisDigest(genesis)
  if (first && !shown) return genesis.parameters
  if (!first && shown) {
    const parameters = multihash.encode(sha256(canonicalJson(shown.parameters)))
    if (networkDigest({ ...shown.digests, parameters }) === digest) return shown.parameters.now
  }
  throw new KeysteadError<LedgerReadErrorCode>('PROOF_INVALID', 'the proof of the network parameters does not hold')
}

const known = new WeakMap<NetworkGenesis, string>()

/** The digest with which a network begins; computed once for each genesis document. */
export function genesisDigest(genesis: NetworkGenesis): string {
  const digest = known.get(genesis) ?? networkDigest(networkDigests(initialNetwork(genesis)))
  known.set(genesis, digest)
  return digest
}
