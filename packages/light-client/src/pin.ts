/** The newest head that a wallet has accepted (rule 17), and who may sign the next one. */
import { base64url, Fields, type Json, type JsonObject, KeysteadError, multibase } from '@keystead/core'
import type { NetworkGenesis, ValidatorPower } from '@keystead/did-dkms'
import type { LedgerReadErrorCode } from './errors.ts'
import { decodeHead, encodeHead, type Head } from './head.ts'
import { MAX_BUNDLE_BYTES, MAX_REMEMBERED_HEADS, MAX_VALIDATORS } from './limits.ts'
import { decodeValidator, encodeValidator, type Validator, validatorSet } from './validators.ts'
import type { Trusted } from './verifier.ts'

export interface Pin extends Trusted {
  readonly head: Head
  /** Who signed it. */
  readonly validators: readonly Validator[]
  readonly logSize: number
  /** base64url. */
  readonly logRoot: string
  /** Seconds for which this head vouches for its validators: the network's parameter as last proven. */
  readonly trustingPeriod: number
  /** Heads accepted before this one, the newest first: to know one's own past again. */
  readonly earlier: readonly { readonly height: number; readonly hash: string }[]
}

/** Where a wallet keeps its pin, and the evidence when a ledger contradicts itself. */
export interface PinStore {
  load(): Promise<Pin | undefined>
  save(pin: Pin): Promise<void>
  /** What others can check: both headers of a rollback or a fork (rule 17). */
  keepEvidence(evidence: JsonObject): Promise<void>
}

/** Of a head that is verified: its commit names its header. */
export function makePin(
  head: Head,
  sets: Pick<Pin, 'validators' | 'nextValidators' | 'trustingPeriod'>,
  before?: Pin,
): Pin {
  const earlier = before ? [{ height: before.height, hash: before.hash }, ...before.earlier] : []
  return {
    chainId: head.header.chainId,
    height: head.header.height,
    hash: base64url.encode(head.commit.blockId.hash),
    time: head.header.time,
    head,
    validators: sets.validators,
    nextValidators: sets.nextValidators,
    trustingPeriod: sets.trustingPeriod,
    logSize: head.logSize,
    logRoot: base64url.encode(head.logRoot),
    earlier: earlier.slice(0, MAX_REMEMBERED_HEADS),
  }
}

export function pinToJson(pin: Pin): JsonObject {
  const set = (validators: readonly Validator[]) => validators.map((one) => base64url.encode(encodeValidator(one)))
  return {
    head: base64url.encode(encodeHead(pin.head)),
    validators: set(pin.validators),
    nextValidators: set(pin.nextValidators),
    trustingPeriod: pin.trustingPeriod,
    earlier: pin.earlier.map(({ height, hash }) => ({ height, hash })),
  }
}

/** Throws errors of `Fields`. */
export function pinFromJson(value: Json): Pin {
  const f = new Fields(value, 'pin')
  const validators = (name: string): Validator[] =>
    f.array(name, { min: 1, max: MAX_VALIDATORS }, (item) => decodeValidator(base64url.decode(String(item))))
  const head = f.decoded('head', MAX_BUNDLE_BYTES, (text) => decodeHead(base64url.decode(text)))
  const sets = {
    validators: validators('validators'),
    nextValidators: validators('nextValidators'),
    trustingPeriod: f.integer('trustingPeriod', { min: 1, max: Number.MAX_SAFE_INTEGER }),
  }
  const earlier = f.array('earlier', { max: MAX_REMEMBERED_HEADS }, (item, path) => {
    const e = new Fields(item, path)
    const one = { height: e.integer('height', { min: 1, max: 2 ** 53 - 1 }), hash: e.string('hash', { max: 43 }) }
    e.end()
    return one
  })
  f.end()
  return { ...makePin(head, sets), earlier }
}

/** Keeps nothing beyond the process. */
export function memoryPins(): PinStore & { readonly evidence: JsonObject[] } {
  let pin: Pin | undefined
  const evidence: JsonObject[] = []
  return {
    evidence,
    load: async () => pin,
    save: async (newest) => {
      pin = newest
    },
    keepEvidence: async (found) => void evidence.push(found),
  }
}

export function genesisValidators(genesis: NetworkGenesis): Validator[] {
  return validatorsOf(genesis.validators)
}

/** Validators as our own documents name them, as a set in its order. Throws `WRONG_NETWORK` or `PROOF_INVALID`. */
export function validatorsOf(set: readonly ValidatorPower[]): Validator[] {
  return validatorSet(
    set.map(({ k, power }) => {
      const bytes = multibase.decode(k)
      const ed25519 = bytes.length === 34 && bytes[0] === 0xed && bytes[1] === 0x01
      if (!ed25519) throw new KeysteadError<LedgerReadErrorCode>('WRONG_NETWORK', 'validators sign with Ed25519')
      return { publicKey: bytes.slice(2), power }
    }),
  )
}

/** The genesis document as something to start from: its validators sign the first block, whose time may be its own. */
export function trustedGenesis(genesis: NetworkGenesis): Trusted {
  return {
    chainId: genesis.chainId,
    height: 0,
    hash: '',
    time: { seconds: genesis.time - 1, nanos: 999_999_999 },
    nextValidators: genesisValidators(genesis),
  }
}
