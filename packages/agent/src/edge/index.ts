export { isPlainInvitation } from '../protocols/connect/messages.ts'
export type { GuardianCapability } from '../protocols/guardian/messages.ts'
export { EdgeAgent } from './agent.ts'
export type { AttachmentSource, Progress, TransferOptions } from './attachments/attach.ts'
export type { OpenedAttachment } from './attachments/open.ts'
export type { AttachmentView, TextView } from './attachments/view.ts'
export type { ApprovalsView, DeviceView, OwnDeviceView } from './devices.ts'
export { type AgencyDescriptor, agencyDescriptor, findNetwork, walletSource } from './discovery.ts'
export type { EdgeErrorCode } from './errors.ts'
export { checkForkEvidence } from './fork-evidence.ts'
export { GuardiansAgent } from './guardian/agent.ts'
export type { GuardianView } from './guardian/owner.ts'
export type { WardView } from './guardian/ward.ts'
export type { BackupStatus } from './log/backup.ts'
export type { RestoreOptions } from './log/restore.ts'
export type { MovingView } from './moving/view.ts'
export { vaultPins } from './pins.ts'
export type { Imported } from './portability.ts'
export type { AgentEvent, EdgePorts, FolderPort, SocketPort } from './ports.ts'
export type {
  Correspondent,
  Identity,
  IssuedCredential,
  PendingRequest,
  Profile,
  ReceivedPresentation,
  Relationship,
} from './records.ts'
export { RecoveryAgent, type RecoveryChoice, type RecoveryProgress } from './recovery/agent.ts'
export type { EscrowProgress } from './recovery/records.ts'
export type { Rehearsal } from './recovery/rehearsal.ts'
export type { Recovered } from './recovery/restore.ts'
export type { RecoveryStatus } from './recovery/status.ts'
export { type KeyUsers, planReplacement, type Step } from './replacement/plan.ts'
export type { PlannedReplacement, StepOutcome } from './replacement/replace.ts'
export type { ResolutionSettings } from './resolution/settings.ts'
export type { SyncResult } from './sync.ts'
export { platformSocket } from './web-socket.ts'
