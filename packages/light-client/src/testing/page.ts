/** What a page bundles that only wants to follow the chain and check proofs: the light client itself, as `size.test.ts` weighs it. */
export { base64url } from '@keystead/core'
export {
  decodeHeadProof,
  decodeLightBlock,
  httpProvider,
  memoryPins,
  Trust,
  verifyConsistency,
  verifyInclusion,
  verifyMapProof,
} from '../index.ts'
