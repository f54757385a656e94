/** A ledger in a temporary folder with some history, for tests of what copies, checks and follows ledgers. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeClock } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import {
  decodeState,
  developmentParameters,
  encodeSubmission,
  networkHash,
  type Submission,
  stateKey,
} from '@keystead/did-dkms'
import { Owner } from '../../../did-dkms/src/testing/owner.ts'
import { EmbeddedLedger } from '../engine/embedded/engine.ts'
import { Signer } from '../engine/embedded/signer.ts'
import { LedgerStore } from '../state/store.ts'

export const keys = nodeKeyProvider()
export const START = 1_800_000_000
const folders: string[] = []

export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'keystead-ledger-'))
  folders.push(path)
  return path
}

/** For `afterEach`. */
export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

export interface TestLedger {
  readonly ledger: EmbeddedLedger
  readonly clock: FakeClock
  /** Folder of the node's data, with `ledger.lmdb` in it, and of its signer. */
  readonly data: string
  readonly signer: string
  readonly net: string
  readonly owners: Owner[]
  did(owner: Owner): string
  /** New DIDs, each in the log when this resolves. */
  grow(count: number): Promise<void>
  /** One more operation on a DID. */
  update(owner: Owner): Promise<void>
  reopen(): Promise<TestLedger>
}

export async function testLedger(
  at: { data?: string; signer?: string; clock?: FakeClock; owners?: Owner[] } = {},
): Promise<TestLedger> {
  const { data = temporaryFolder(), signer = temporaryFolder(), clock = new FakeClock(START * 1000), owners = [] } = at
  const ledger = await EmbeddedLedger.open({
    store: LedgerStore.open(join(data, 'ledger.lmdb')),
    signer: await Signer.open(signer, keys),
    clock,
    network: { chainId: 'keystead-test-1', parameters: developmentParameters },
  })
  const net = networkHash(ledger.genesis)
  const submit = (submission: Submission) => ledger.submit(encodeSubmission(submission))
  const dids = new Map<Owner, string>()
  return {
    ledger,
    clock,
    data,
    signer,
    net,
    owners,
    did: (owner) => dids.get(owner) as string,
    grow: async (count) => {
      for (let i = 0; i < count; i++) {
        const owner = new Owner(keys, net, START + 86_400)
        const genesis = await owner.genesis({ delays: i % 2 ? [60] : [] })
        dids.set(owner, genesis.operation.did)
        owners.push(owner)
        await submit(genesis)
      }
    },
    update: async (owner) => {
      const state = ledger.view().store.get('s', stateKey(dids.get(owner) as string))
      clock.advance(1000)
      await submit(await owner.update(decodeState(state as Uint8Array)))
    },
    reopen: async () => {
      await ledger.close()
      return testLedger({ data, signer, clock, owners })
    },
  }
}

/** A folder with the validator's key of another, and no record of what it signed: an operator who begins anew. */
export function forgetfulSigner(signer: string): string {
  const folder = temporaryFolder()
  cpSync(join(signer, 'validator-key.json'), join(folder, 'validator-key.json'))
  return folder
}

/** Rejects or throws with this code. */
export const withCode = (code: string) => ({ code })
