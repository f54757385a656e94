/**
 * The recovery kit (rule 26), format 1, final: paper cannot be reissued.
 *
 *   content  = JCS { v: 1, words, locator, agencies, genesis, checkpoint, veto }
 *   checksum = first 4 bytes of SHA-256("keystead/kit/v1|" || content)
 *   line     = "keystead-kit:1:" base64url(content || checksum)
 *
 * The same content stands once for machines and once for people (kit-text.ts), under the same checksum.
 */
import {
  type Bytes,
  base32,
  base64url,
  canonicalJson,
  concatBytes,
  equalBytes,
  Fields,
  parseCanonicalJson,
  type Random,
  utf8,
} from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { refuse, under } from './errors.ts'
import { LOCATOR_BYTES, MAX_AGENCIES, MAX_KIT_CHARACTERS, MAX_MNEMONIC_CHARACTERS, SECRET_BYTES } from './limits.ts'
import { combineMnemonics } from './slip39/combine.ts'
import { formatMnemonic, parseMnemonic } from './slip39/share.ts'
import { splitSecret } from './slip39/split.ts'
import { agenciesField, bytesField, type Checkpoint, checkpointField, checkpointJson, genesisField } from './wire.ts'

export interface Kit {
  /** Group secret P as a SLIP-39 mnemonic, the only share of its set. */
  readonly words: string
  readonly locator: Bytes
  /** DIDs or URLs, in the order in which to ask them. */
  readonly agencies: readonly string[]
  /** Genesis hash of the network, a multihash. */
  readonly genesis: string
  readonly checkpoint: Checkpoint
  /** 80 random bits in base32: stops a recovery that the owner did not ask for, without any device (rule 27). */
  readonly veto: string
}

export interface NewKit extends Omit<Kit, 'words' | 'veto'> {
  /** Group secret P. */
  readonly secret: Uint8Array
  readonly random: Random
}

export const KIT_LINE = 'keystead-kit:1:'
const LABEL = utf8('keystead/kit/v1|')
const CHECKSUM_BYTES = 4
const VETO_BYTES = 10
const VETO_LABEL = utf8('keystead/veto/v1|')

/** Throws `BAD_PARAMETERS`. */
export function createKit({ secret, random, locator, agencies, genesis, checkpoint }: NewKit): Kit {
  if (secret.length !== SECRET_BYTES) refuse('BAD_PARAMETERS', `a group secret has ${SECRET_BYTES} bytes`)
  const [[words = ''] = []] = splitSecret(secret, { groupThreshold: 1, groups: [{ threshold: 1, count: 1 }], random })
  const veto = base32.encode(random(VETO_BYTES))
  const kit = { words, locator: Uint8Array.from(locator), agencies, genesis, checkpoint, veto }
  return under('BAD_PARAMETERS', 'this kit would not be readable', () => kitFromBytes(kitToBytes(kit)))
}

/** Group secret P. */
export function kitSecret(kit: Kit): Bytes {
  return combineMnemonics([kit.words])
}

/** What an agent keeps to recognise the veto code, without being able to use it elsewhere. */
export function vetoDigest(veto: string): string {
  return base64url.encode(sha256(concatBytes(VETO_LABEL, utf8(veto))))
}

/** Places of two words on the paper, counted from one: whoever reads them off has it, and it can be read. */
export function wordsToAsk(kit: Kit, random: Random): readonly [number, number] {
  const count = kit.words.split(' ').length
  const [one = 0, other = 0] = random(2)
  const first = one % count
  return [first + 1, ((first + 1 + (other % (count - 1))) % count) + 1]
}

/** Takes any case, and spaces around. */
export function wordsMatch(kit: Kit, places: readonly number[], typed: readonly string[]): boolean {
  const words = kit.words.split(' ')
  return places.every((place, index) => words[place - 1] === typed[index]?.trim().toLowerCase())
}

/** The line for the QR code. */
export function kitLine(kit: Kit): string {
  const content = kitToBytes(kit)
  return KIT_LINE + base64url.encode(concatBytes(content, kitChecksum(content)))
}

/** The kit of one machine line. Throws `BAD_KIT`. */
export function parseKitLine(line: string): Kit {
  return under('BAD_KIT', 'this line is not a kit of a version we know, or is damaged', () => {
    if (!line.startsWith(KIT_LINE) || line.length > MAX_KIT_CHARACTERS) refuse('BAD_KIT', 'this is not a kit line')
    const bytes = base64url.decode(line.slice(KIT_LINE.length))
    const content = bytes.slice(0, -CHECKSUM_BYTES)
    if (!equalBytes(bytes.subarray(-CHECKSUM_BYTES), kitChecksum(content))) refuse('BAD_KIT', 'the checksum is wrong')
    return kitFromBytes(content)
  })
}

export function kitChecksum(content: Uint8Array): Bytes {
  return sha256(concatBytes(LABEL, content)).slice(0, CHECKSUM_BYTES)
}

export function kitToBytes({ words, locator, agencies, genesis, checkpoint, veto }: Kit): Bytes {
  return canonicalJson({
    v: 1,
    words,
    locator: base64url.encode(locator),
    agencies,
    genesis,
    checkpoint: checkpointJson(checkpoint),
    veto,
  })
}

/** Throws `BAD_KIT` or a code of core. */
export function kitFromBytes(content: Uint8Array): Kit {
  const fields = new Fields(parseCanonicalJson(content, MAX_KIT_CHARACTERS), 'kit')
  fields.literal('v', 1)
  const kit: Kit = {
    words: fields.string('words', { max: MAX_MNEMONIC_CHARACTERS }),
    locator: bytesField(fields, 'locator', LOCATOR_BYTES),
    agencies: agenciesField(fields, 'agencies', { min: 1, max: MAX_AGENCIES }),
    genesis: genesisField(fields, 'genesis'),
    checkpoint: checkpointField(fields, 'checkpoint'),
    veto: base32.encode(fields.decoded('veto', 2 * VETO_BYTES, base32.decode)),
  }
  fields.end()
  const share = parseMnemonic(kit.words)
  const single = share.groupThreshold === 1 && share.groupCount === 1 && share.memberThreshold === 1
  if (!single || share.value.length !== SECRET_BYTES || formatMnemonic(share) !== kit.words)
    refuse('BAD_KIT', 'the words are not a whole secret')
  if (base32.decode(kit.veto).length !== VETO_BYTES) refuse('BAD_KIT', 'the veto code has another length')
  return kit
}
