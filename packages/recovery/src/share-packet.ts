/**
 * What a contact keeps (rules 5, 24): one share of group secret S in a packet of constant size.
 *
 *   packet     = Padmé frame of JCS { v: 1, set, epoch, index, words, salt, locator, owner, agencies, policy, commitments }
 *   commitment = SHA-256(label || JCS of the packet without set and commitments), one for each contact
 *   set        = SHA-256(label || JCS { epoch, policy, commitments })
 *
 * So a packet proves itself: no byte of it changes without `set` changing, and one honest packet shows which of the
 * others are not of its set. The salts keep a contact from checking guesses about others' packets.
 */
import {
  type Bytes,
  base64url,
  canonicalJson,
  concatBytes,
  equalBytes,
  Fields,
  type JsonObject,
  pad,
  parseCanonicalJson,
  type Random,
  unpad,
  utf8,
} from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { refuse, under } from './errors.ts'
import {
  LOCATOR_BYTES,
  MAX_CONTACTS,
  MAX_EPOCH,
  MAX_MNEMONIC_CHARACTERS,
  MAX_PACKET_AGENCIES,
  MIN_CONTACT_THRESHOLD,
  SECRET_BYTES,
  SHARE_PACKET_BYTES,
} from './limits.ts'
import { combineMnemonics } from './slip39/combine.ts'
import { formatMnemonic, parseMnemonic } from './slip39/share.ts'
import { splitSecret } from './slip39/split.ts'
import { agenciesField, bytesField, labelField } from './wire.ts'

const COMMITMENT = utf8('keystead/share/commitment/v1|')
const SET = utf8('keystead/share/set/v1|')
const SALT_BYTES = 16

export interface SharePacket {
  /** Names the set of packets; 32 bytes as base64url. */
  readonly set: string
  readonly epoch: number
  /** 0 for the first contact. */
  readonly index: number
  /** The share as a SLIP-39 mnemonic. */
  readonly words: string
  readonly salt: Bytes
  readonly locator: Bytes
  /** What the owner calls themselves towards contacts. */
  readonly owner: string
  /** Where the locator record is, so that a device which has nothing can ask. */
  readonly agencies: readonly string[]
  readonly policy: { readonly threshold: number; readonly count: number }
  readonly commitments: readonly Bytes[]
}

export interface NewShareSet {
  /** Group secret S. */
  readonly secret: Uint8Array
  readonly policy: { readonly threshold: number; readonly count: number }
  readonly epoch: number
  readonly locator: Uint8Array
  readonly owner: string
  readonly agencies: readonly string[]
  readonly random: Random
}

/** One packet for each contact. Throws `BAD_PARAMETERS`. */
export function makeSharePackets(options: NewShareSet): Bytes[] {
  const { secret, policy, epoch, owner, agencies, random } = options
  if (secret.length !== SECRET_BYTES) refuse('BAD_PARAMETERS', `a group secret has ${SECRET_BYTES} bytes`)
  const [mnemonics = []] = splitSecret(secret, { groupThreshold: 1, groups: [policy], random })
  const contents = mnemonics.map((words, index) => ({
    v: 1,
    epoch,
    index,
    words,
    salt: base64url.encode(random(SALT_BYTES)),
    locator: base64url.encode(options.locator),
    owner,
    agencies,
    policy: { threshold: policy.threshold, count: policy.count },
  }))
  return under('BAD_PARAMETERS', 'these packets would not be readable', () => {
    const commitments = contents.map((content) => base64url.encode(commit(content)))
    const set = setId(epoch, policy, commitments)
    return contents.map((content) => {
      const packet = pad(canonicalJson({ ...content, set, commitments }), SHARE_PACKET_BYTES)
      parseSharePacket(packet)
      return packet
    })
  })
}

/** Throws `SHARE_TAMPERED`. */
export function parseSharePacket(bytes: Uint8Array): SharePacket {
  return under('SHARE_TAMPERED', 'this is not a share packet as its owner made it', () => {
    if (bytes.length !== SHARE_PACKET_BYTES) refuse('SHARE_TAMPERED', 'a share packet has another size')
    const json = unpad(bytes, SHARE_PACKET_BYTES) ?? refuse('SHARE_TAMPERED', 'the padding is wrong')
    const value = parseCanonicalJson(json, SHARE_PACKET_BYTES)
    const fields = new Fields(value, 'share')
    fields.literal('v', 1)
    const policy = readThreshold(fields.object('policy'))
    const packet: SharePacket = {
      set: base64url.encode(bytesField(fields, 'set', 32)),
      epoch: fields.integer('epoch', { min: 0, max: MAX_EPOCH }),
      index: fields.integer('index', { min: 0, max: policy.count - 1 }),
      words: fields.string('words', { max: MAX_MNEMONIC_CHARACTERS }),
      salt: bytesField(fields, 'salt', SALT_BYTES),
      locator: bytesField(fields, 'locator', LOCATOR_BYTES),
      owner: labelField(fields, 'owner'),
      agencies: agenciesField(fields, 'agencies', { min: 0, max: MAX_PACKET_AGENCIES }),
      policy,
      commitments: fields.array('commitments', { min: policy.count, max: policy.count }, (item) =>
        base64url.decode(typeof item === 'string' ? item : '?'),
      ),
    }
    fields.end()
    checkCommitments(packet, value as JsonObject)
    checkShare(packet)
    return packet
  })
}

/**
 * Group secret S. Throws `SHARE_OF_ANOTHER_SET` (`details.index`: the first packet that is not of the majority's set) or
 * `TOO_FEW_SHARES` (`details.missing`).
 */
export function combineSharePackets(packets: readonly SharePacket[]): Bytes {
  const sets = new Map<string, number>()
  for (const { set } of packets) sets.set(set, (sets.get(set) ?? 0) + 1)
  const [main] = [...sets].sort(([, a], [, b]) => b - a)[0] ?? refuse('TOO_FEW_SHARES', 'no share was given')
  const stranger = packets.find(({ set }) => set !== main)
  if (stranger)
    refuse('SHARE_OF_ANOTHER_SET', `the share of contact ${stranger.index + 1} does not belong to the others`, {
      index: stranger.index,
      set: stranger.set,
    })
  const indices = new Set(packets.map(({ index }) => index))
  const threshold = (packets[0] as SharePacket).policy.threshold
  if (indices.size < threshold)
    refuse('TOO_FEW_SHARES', `${indices.size} of ${threshold} contacts have answered`, {
      missing: threshold - indices.size,
    })
  return combineMnemonics(packets.map(({ words }) => words))
}

function readThreshold(fields: Fields): SharePacket['policy'] {
  const threshold = fields.integer('threshold', { min: MIN_CONTACT_THRESHOLD, max: MAX_CONTACTS })
  const count = fields.integer('count', { min: threshold, max: MAX_CONTACTS })
  fields.end()
  return { threshold, count }
}

function checkCommitments(packet: SharePacket, value: JsonObject): void {
  const { set, commitments, ...content } = value
  const own = packet.commitments[packet.index] ?? new Uint8Array(0)
  if (!equalBytes(own, commit(content))) refuse('SHARE_TAMPERED', 'the content is not what the owner committed to')
  const texts = packet.commitments.map((commitment) => base64url.encode(commitment))
  if (setId(packet.epoch, packet.policy, texts) !== set)
    refuse('SHARE_TAMPERED', 'the commitments are not those of the set')
}

function checkShare({ words, index, policy }: SharePacket): void {
  const share = parseMnemonic(words)
  const fits =
    formatMnemonic(share) === words &&
    share.groupCount === 1 &&
    share.memberIndex === index &&
    share.memberThreshold === policy.threshold &&
    share.value.length === SECRET_BYTES
  if (!fits) refuse('SHARE_TAMPERED', 'the share is not what the packet says')
}

function commit(content: JsonObject): Bytes {
  return sha256(concatBytes(COMMITMENT, canonicalJson(content)))
}

function setId(epoch: number, { threshold, count }: SharePacket['policy'], commitments: readonly string[]): string {
  return base64url.encode(sha256(concatBytes(SET, canonicalJson({ epoch, policy: { threshold, count }, commitments }))))
}
