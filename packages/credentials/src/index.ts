export { type AnchorReceipt, anchorBatch, parseReceipt, receiptRoot } from './anchor.ts'
export { type Check, combine, type Outcome, type Verdict, weakestLevel } from './check.ts'
export {
  type Credential,
  type CredentialTemplate,
  issueCredential,
  parseCredential,
  type StatusEntry,
  VC_CONTEXT,
} from './credential.ts'
export {
  addProof,
  type DataIntegrityProof,
  type ProofOptions,
  parseProof,
  type Secured,
  verifyProof,
} from './data-integrity.ts'
export type { CredentialErrorCode } from './errors.ts'
export type { DidEvidence, KeyEvidence } from './evidence.ts'
export { MAX_CREDENTIAL_BYTES, MAX_PRESENTATION_BYTES, STATUS_LIST_ENTRIES } from './limits.ts'
export {
  createPresentation,
  type Presentation,
  type PresentationRequestBinding,
  parsePresentation,
} from './presentation.ts'
export { judgeSigningTime, type SigningFacts } from './signing-time.ts'
export { issueStatusList, readStatusList, type StatusList } from './status-credential.ts'
export { decodeStatusList, emptyStatusList, encodeStatusList, statusAt, withStatus } from './status-list.ts'
export { type CredentialContext, verifyCredential } from './verify-credential.ts'
export { type PresentationContext, verifyPresentation } from './verify-presentation.ts'
export { openStatusList } from './verify-status.ts'
