export { type CloudService, DEFAULT_SERVICES, SERVICES } from './protocols/cloud-agent/messages.ts'
export { type Invitation, invitationUrl, parseInvitationUrl } from './protocols/connect/messages.ts'
export { judgeResponse, type Verdict, type VerdictReason } from './protocols/key-verify/judge.ts'
export {
  type Challenge,
  type ChallengeResponse,
  parseChallenge,
  parseResponse,
} from './protocols/key-verify/messages.ts'
