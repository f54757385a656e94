export { ceremonyCode, codeMatches, type NewDeviceKeys, newDeviceCommitment, spokenCode } from './ceremony/code.ts'
export { type CeremonyMessage, parseCeremonyMessage } from './ceremony/messages.ts'
export {
  type CeremonyState,
  CONTACT_TABLE,
  type ContactCeremony,
  type ContactEvent,
  NEW_DEVICE_TABLE,
  type NewDeviceCeremony,
  type NewDeviceEvent,
} from './ceremony/state.ts'
export {
  type CeremonyProblem,
  type CeremonyStep,
  type CeremonyWorld,
  inviteContact,
  inviteNewDevice,
  newSession,
  stepContact,
  stepNewDevice,
} from './ceremony/step.ts'
export type { RecoveryErrorCode } from './errors.ts'
export { answerGuess, type GuessVerdict, judgeGuess, releaseFor } from './escrow/agent.ts'
export {
  beginEscrow,
  type EscrowAnswer,
  type EscrowClient,
  elementFor,
  stepEscrow,
  tagFor,
} from './escrow/client.ts'
export { dealEscrow, type EscrowRegistration, type NewEscrow } from './escrow/deal.ts'
export { type AgentDescriptor, checkIndependence, readDescriptor, signDescriptor } from './escrow/descriptor.ts'
export { type StretchedPin, stretchPin } from './escrow/keys.ts'
export { checkPin, generatePin, type PinWeakness, pinWeakness } from './escrow/pin.ts'
export { type EscrowRecord, escrowAccount, escrowAuthSeed, openRegistration } from './escrow/registration.ts'
export { type EscrowRequest, type EscrowStep, requestIsOwners, requestTranscript } from './escrow/request.ts'
export { type Guard, makeGuard, NO_STAY, objectionToken, type Stay, stayBy, vetoToken } from './guard.ts'
export { healthProof, healthProofHolds, packetHealthKey, registrationHealthKey } from './health.ts'
export { createKit, type Kit, kitLine, kitSecret, type NewKit, vetoDigest, wordsMatch, wordsToAsk } from './kit.ts'
export { parseKit, renderKit } from './kit-text.ts'
export { DEFAULT_GUESSES, MAX_AGENCIES, MAX_DELAY_SECONDS, SHARE_PACKET_BYTES } from './limits.ts'
export {
  type LocatorRecord,
  locatorAccount,
  newLocator,
  openLocatorRecord,
  type ServiceDescriptor,
  type StoreDescriptor,
  sealLocatorRecord,
} from './locator.ts'
export { checkAnchor, type LogAnchor, type LogEntryName, vouchForLog } from './log-anchor.ts'
export { type AgentFact, type ContactFact, type Lack, type MeterReading, meter, type RecoveryFacts } from './meter.ts'
export { derivePath, type GroupSecrets, newGroupSecret, type PathSeeds, pathSecret } from './paths.ts'
export {
  DEFAULT_DELAYS,
  type GroupId,
  groupsOf,
  isFirm,
  PATH_IDS,
  type PathId,
  parsePolicy,
  policyToJson,
  type RecoveryPolicy,
} from './policy.ts'
export { type Quorum, quorum } from './quorum.ts'
export { openRecoveryKey, type RecoveryKeyContext, sealRecoveryKey } from './recovery-key.ts'
export {
  combineSharePackets,
  makeSharePackets,
  type NewShareSet,
  parseSharePacket,
  type SharePacket,
} from './share-packet.ts'
export { openSharePacket, sealSharePacket } from './share-transfer.ts'
export { combineMnemonics, combineShares } from './slip39/combine.ts'
export { formatMnemonic, parseMnemonic, type Share } from './slip39/share.ts'
export { type SplitOptions, splitSecret } from './slip39/split.ts'
export type { Checkpoint } from './wire.ts'
