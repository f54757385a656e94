export { type Attachment, type AttachmentData, attachmentBytes } from './attachment.ts'
export type { ContentEncryption } from './content.ts'
export { peekRecipients } from './envelope.ts'
export type { DidcommErrorCode } from './errors.ts'
export { createFromPrior, type FromPrior, type FromPriorOptions, verifyFromPrior } from './from-prior.ts'
export { MAX_ATTACHMENTS, MAX_MESSAGE_BYTES } from './limits.ts'
export {
  type DidcommMediaType,
  ENCRYPTED_MEDIA_TYPE,
  isMediaType,
  PLAINTEXT_MEDIA_TYPE,
  SIGNED_MEDIA_TYPE,
} from './media-types.ts'
export { type Message, messageId, packPlaintext, parseMessage, type ReturnRoute } from './message.ts'
export { type PackOptions, pack, packSigned } from './pack.ts'
export type { EphemeralKeys, SecretsPort, SenderPort, SigningPort } from './ports.ts'
export { sameSubject } from './recipients.ts'
export { FORWARD_TYPE, type Forward, type ForwardOptions, parseForward, wrapForward } from './routing.ts'
export { type Unpacked, type UnpackMetadata, type UnpackOptions, unpack } from './unpack.ts'
