/**
 * Opens a message layer by layer and holds the layers against each other (DIDComm v2.1, "Message Layer Addressing
 * Consistency"). Layers may come in this order only, each at most once, so four at most:
 *
 *   anoncrypt, authcrypt, signed, plaintext
 *
 * `authcrypt(signed)` SHOULD NOT be sent but MAY be accepted; the signer must then be the sender, which follows from both
 * having to be `from`.
 */
import type { Bytes } from '@keystead/core'
import { type DidResolver, didOf } from '@keystead/did'
import { decrypt } from './decrypt.ts'
import { asBadMessage, type Envelope, readEnvelope } from './envelope.ts'
import { failure } from './errors.ts'
import { type FromPrior, verifyFromPrior } from './from-prior.ts'
import { parseJwe } from './jwe.ts'
import { checkMediaType, ENCRYPTED_MEDIA_TYPE, PLAINTEXT_MEDIA_TYPE, SIGNED_MEDIA_TYPE } from './media-types.ts'
import { type Message, parseMessage } from './message.ts'
import type { SecretsPort } from './ports.ts'
import { sameSubject } from './recipients.ts'
import { parseSigned, verifySigned } from './signed.ts'

export interface UnpackOptions {
  readonly secrets: SecretsPort
  readonly resolver: DidResolver
  /** Default: `MAX_MESSAGE_BYTES`. */
  readonly expectedMaxBytes?: number
}

export interface UnpackMetadata {
  readonly encrypted: boolean
  /** `from` is proven, by authcrypt or by a signature. */
  readonly authenticated: boolean
  /** The outermost encryption does not show the sender. */
  readonly anonymousSender: boolean
  readonly nonRepudiation: boolean
  readonly senderKid?: string
  /** The key of ours that opened the innermost encryption. */
  readonly recipientKid?: string
  readonly signerKid?: string
  /** The signed form, to keep as evidence. */
  readonly signedMessage?: Bytes
  /** Verified, and its `sub` is the message's `from`; the rest is told at `verifyFromPrior`. */
  readonly fromPrior?: FromPrior
}

export interface Unpacked {
  readonly message: Message
  readonly metadata: UnpackMetadata
}

type Layer = 'anoncrypt' | 'authcrypt' | 'signed' | 'plaintext'
const ORDER: readonly Layer[] = ['anoncrypt', 'authcrypt', 'signed', 'plaintext']

/** What the layers said on the way in. */
interface Findings {
  layers: Layer[]
  recipientKids: string[]
  senderKid?: string
  signerKid?: string
  signedMessage?: Bytes
}

/** Throws a `DidcommErrorCode`, or what the secrets port throws. */
export async function unpack(bytes: Uint8Array, options: UnpackOptions): Promise<Unpacked> {
  const findings: Findings = { layers: [], recipientKids: [] }
  const message = await openLayer(bytes, undefined, options, findings)
  checkAddressing(message, findings)
  const fromPrior = await checkFromPrior(message, options.resolver)
  const { layers, recipientKids, senderKid, signerKid, signedMessage } = findings
  const recipientKid = recipientKids.at(-1)
  const metadata: UnpackMetadata = {
    encrypted: recipientKid !== undefined,
    authenticated: senderKid !== undefined || signerKid !== undefined,
    anonymousSender: layers[0] === 'anoncrypt',
    nonRepudiation: signerKid !== undefined,
    ...(senderKid === undefined ? {} : { senderKid }),
    ...(recipientKid === undefined ? {} : { recipientKid }),
    ...(signerKid === undefined ? {} : { signerKid }),
    ...(signedMessage === undefined ? {} : { signedMessage }),
    ...(fromPrior === undefined ? {} : { fromPrior }),
  }
  return { message, metadata }
}

async function openLayer(
  bytes: Uint8Array,
  stated: string | undefined,
  options: UnpackOptions,
  findings: Findings,
): Promise<Message> {
  const envelope = readEnvelope(bytes, options.expectedMaxBytes)
  // A `cty` of the layer around promises what this one is.
  checkMediaType(stated, envelope.type)
  switch (envelope.type) {
    case PLAINTEXT_MEDIA_TYPE:
      enter('plaintext', findings)
      return parseMessage(envelope.json)
    case SIGNED_MEDIA_TYPE:
      return openSigned(bytes, envelope, options, findings)
    case ENCRYPTED_MEDIA_TYPE:
      return openEncrypted(envelope, options, findings)
  }
}

async function openSigned(bytes: Uint8Array, { json }: Envelope, options: UnpackOptions, findings: Findings) {
  enter('signed', findings)
  const jws = asBadMessage(() => parseSigned(json))
  await verifySigned(jws, options.resolver)
  findings.signerKid = jws.signerKid
  findings.signedMessage = new Uint8Array(bytes)
  return openLayer(jws.payload, jws.cty, options, findings)
}

async function openEncrypted({ json }: Envelope, options: UnpackOptions, findings: Findings) {
  const jwe = asBadMessage(() => parseJwe(json))
  enter(jwe.skid === undefined ? 'anoncrypt' : 'authcrypt', findings)
  const { plaintext, recipientKid } = await decrypt(jwe, options.secrets, options.resolver)
  findings.recipientKids.push(recipientKid)
  if (jwe.skid !== undefined) findings.senderKid = jwe.skid
  return openLayer(plaintext, jwe.cty, options, findings)
}

function enter(layer: Layer, { layers }: Findings): void {
  const outer = layers.at(-1)
  if (outer !== undefined && ORDER.indexOf(layer) <= ORDER.indexOf(outer))
    throw failure('BAD_MESSAGE', `${layer} inside ${outer} is not allowed`)
  layers.push(layer)
}

function checkAddressing({ from, to }: Message, { senderKid, signerKid, recipientKids }: Findings): void {
  for (const kid of [senderKid, signerKid])
    if (kid !== undefined && (from === undefined || !sameSubject(kid, from)))
      throw failure('SENDER_MISMATCH', 'the message says it is from someone else than its envelope')
  if (recipientKids.length === 0) return
  // Otherwise the recipient of a signed message could encrypt it anew to a third party ("surreptitious forwarding").
  if (to === undefined && signerKid !== undefined)
    throw failure('RECIPIENT_MISMATCH', 'a message signed and then encrypted must say whom it is to')
  for (const kid of recipientKids)
    if (to !== undefined && !to.some((did) => sameSubject(did, kid)))
      throw failure('RECIPIENT_MISMATCH', 'the message is not addressed to the DID it was encrypted to')
}

async function checkFromPrior({ from, from_prior }: Message, resolver: DidResolver): Promise<FromPrior | undefined> {
  if (from_prior === undefined) return undefined
  const prior = await verifyFromPrior(from_prior, resolver)
  const fits = prior.sub === undefined || from === undefined ? prior.sub === from : sameSubject(prior.sub, from)
  if (fits && !sameSubject(prior.iss, didOf(from ?? ''))) return prior
  throw failure('BAD_FROM_PRIOR', 'the rotation is to another DID than the sender’s')
}
