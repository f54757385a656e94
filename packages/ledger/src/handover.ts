/**
 * From one node to a network (rule 18, NET-16): the last block of the chain that one validator signed names the validators to
 * come and commits to everything they take over. This document carries it; the network's first block continues from it, so
 * that a wallet follows from the old chain to the new one as from any block to the next.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { base64url, type Clock, equalBytes, Fields, type Json, type JsonObject, KeysteadError } from '@keystead/core'
import type { KeyProvider } from '@keystead/crypto'
import { writeFileDurably } from '@keystead/crypto/key-file'
import {
  type NetworkGenesis,
  parseNetworkGenesis,
  parsePower,
  productionParameters,
  type ValidatorPower,
} from '@keystead/did-dkms'
import {
  checkHead,
  checkSignedHeader,
  decodeHead,
  encodeHead,
  genesisValidators,
  type Head,
  Votes,
  validatorsHash,
  validatorsOf,
} from '@keystead/light-client'
import { EmbeddedLedger } from './engine/embedded/engine.ts'
import { Signer } from './engine/embedded/signer.ts'
import type { LedgerErrorCode } from './errors.ts'
import { readNetwork } from './state/execute.ts'
import { lockFolder } from './state/lock.ts'
import { LedgerStore } from './state/store.ts'

export interface Handover {
  readonly genesis: NetworkGenesis
  /** The last block of the old chain, and the state that it proves. */
  readonly head: Head
  /** Who signs from the next block on. */
  readonly validators: readonly ValidatorPower[]
}

const MAX_HEAD_CHARACTERS = 16 * 1024

/** Throws `NOT_HANDED_OVER` while the chain goes on here. */
export function handoverOf(ledger: EmbeddedLedger): Handover {
  if (!ledger.handedOver)
    throw new KeysteadError<LedgerErrorCode>('NOT_HANDED_OVER', 'this chain has not been handed over by its governance')
  const { genesis, head, store } = ledger
  const handover = { genesis, head, validators: readNetwork(store).validators.set }
  checkHandover(handover)
  return handover
}

export function handoverToJson({ genesis, head, validators }: Handover): JsonObject {
  return {
    v: 1,
    genesis: genesis as unknown as JsonObject,
    head: base64url.encode(encodeHead(head)),
    validators: validators.map((entry) => ({ ...entry })),
  }
}

/** Throws errors of `Fields`, and `BAD_HANDOVER` for one that the old validator did not sign. */
export function parseHandover(value: Json): Handover {
  const f = new Fields(value, 'handover')
  f.literal('v', 1)
  const handover = {
    genesis: parseNetworkGenesis(f.any('genesis')),
    head: f.decoded('head', MAX_HEAD_CHARACTERS, (text) => decodeHead(base64url.decode(text))),
    validators: parsePower(f, 'validators', 1),
  }
  f.end()
  checkHandover(handover)
  return handover
}

/** The one validator of the genesis document signed a block that names exactly these validators for the next. */
function checkHandover({ genesis, head, validators }: Handover): void {
  const { header, commit } = head
  const bad = (reason: string): never => {
    throw new KeysteadError<LedgerErrorCode>('BAD_HANDOVER', `this is not a handover: ${reason}`)
  }
  const old = genesisValidators(genesis)
  try {
    checkHead(head, genesis)
    checkSignedHeader(head)
    new Votes(header.chainId, commit).requireTwoThirds(old)
  } catch (cause) {
    throw new KeysteadError<LedgerErrorCode>('BAD_HANDOVER', 'the old validator did not sign this handover', { cause })
  }
  if (old.length !== 1 || !equalBytes(header.validatorsHash, validatorsHash(old)))
    bad('the block is not of a chain of one validator')
  if (!equalBytes(header.nextValidatorsHash, validatorsHash(validatorsOf(validators))))
    bad('the block names other validators')
  if (equalBytes(header.nextValidatorsHash, header.validatorsHash)) bad('the old validator goes on')
}

/** Seconds since 1970 of the network's first block: it must be later than the old chain's last. */
export function firstTimeAfter({ head }: Handover): number {
  return head.header.time.seconds + 1
}

export interface HandoverPlace {
  /** The old node's folders; it must not be running. */
  readonly data: string
  readonly signerFolder: string
  /** Where the document goes. */
  readonly out: string
  readonly keys: KeyProvider
  readonly clock: Clock
}

/**
 * Writes the document, then destroys the old key; the document is on disk before. Rejects with `NOT_HANDED_OVER`,
 * `LEDGER_IN_USE` or, once it is done, `VALIDATOR_KEY_DESTROYED`.
 */
export async function completeHandover({ data, signerFolder, out, keys, clock }: HandoverPlace) {
  if (!existsSync(join(data, 'ledger.lmdb')))
    throw new KeysteadError<LedgerErrorCode>('NOT_FOUND', `there is no ledger in ${data}`)
  const unlock = lockFolder(data)
  try {
    const signer = await Signer.open(signerFolder, keys)
    const store = LedgerStore.open(join(data, 'ledger.lmdb'))
    const network = { chainId: 'exists', parameters: productionParameters }
    const ledger = await EmbeddedLedger.open({ store, signer, clock, network })
    let handover: Handover
    try {
      handover = handoverOf(ledger)
    } finally {
      await ledger.close()
    }
    writeFileDurably(out, `${JSON.stringify(handoverToJson(handover), null, 2)}\n`)
    signer.destroy()
    return { height: handover.head.header.height, validators: handover.validators.length, file: out }
  } finally {
    unlock()
  }
}
