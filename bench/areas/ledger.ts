/** The DID method and its ledger: an operation judged, a read proven, operations made durable. */
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import {
  apply,
  developmentParameters,
  encodeSubmission,
  networkHash,
  parseSubmission,
  type Submission,
} from '@keystead/did-dkms'
import { EmbeddedLedger, LedgerStore, readBundle, Signer } from '@keystead/ledger'
import { decodeBundle, encodeBundle, readState } from '@keystead/light-client'
import { Owner } from '../../packages/did-dkms/src/testing/owner.ts'
import { type Budget, compare, type Row } from '../measure.ts'
import { nodeVerify, rawVerify } from '../raw.ts'

const area = 'ledger'

export async function ledger(budget: Budget): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'keystead-bench-'))
  const keys = nodeKeyProvider()
  const node = await EmbeddedLedger.open({
    store: LedgerStore.open(join(folder, 'ledger.lmdb')),
    signer: await Signer.open(join(folder, 'signer'), keys),
    clock: systemClock,
    network: { chainId: 'keystead-bench', parameters: developmentParameters },
  })
  try {
    const net = networkHash(node.genesis)
    const notAfter = Math.floor(Date.now() / 1000) + 86_400
    const owner = new Owner(keys, net, notAfter)
    const genesis = await owner.genesis()
    await node.submit(encodeSubmission(genesis))
    const { did } = genesis.operation
    const bundle = readBundle(node.view(), did)
    const { state } = readState(did, bundle, node)
    if (!state) throw new Error('the DID is on the ledger')
    const update = encodeSubmission(await owner.update(state))
    const context = {
      net,
      parameters: node.genesis.parameters,
      time: Math.floor(Date.now() / 1000),
      lost: 0,
      logIndex: 1,
    }
    const encoded = encodeBundle(bundle)
    const verifyName = 'raw Ed25519 verify (node:crypto)'
    return [
      await compare(budget, {
        area,
        what: 'parse, verify and apply an update',
        ours: () => apply(state, parseSubmission(update), context),
        baseline: { name: verifyName, work: nodeVerify },
        target: 1,
      }),
      await compare(budget, {
        area,
        what: 'the same beside libsodium’s own verify',
        ours: () => apply(state, parseSubmission(update), context),
        baseline: { name: 'raw Ed25519 verify (libsodium)', work: rawVerify },
      }),
      await compare(budget, {
        area,
        what: 'verified read of a DID, one validator',
        ours: () => readState(did, decodeBundle(encoded), node),
        baseline: { name: verifyName, work: nodeVerify },
        target: 3,
      }),
      await durable(budget, node, () => new Owner(keys, net, notAfter).genesis(), folder),
    ]
  } finally {
    await node.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Operations that were answered, so are on disk, a second; the baseline is one write and fsync after another. */
async function durable(
  { rounds }: Budget,
  node: EmbeddedLedger,
  make: () => Promise<Submission>,
  folder: string,
): Promise<Row> {
  const count = rounds > 3 ? 2000 : 200
  const made: Uint8Array[] = []
  for (let i = 0; i < count; i++) made.push(encodeSubmission(await make()))
  const start = process.hrtime.bigint()
  await Promise.all(made.map((bytes) => node.submit(bytes)))
  const seconds = Number(process.hrtime.bigint() - start) / 1e9
  const file = openSync(join(folder, 'fsync'), 'w')
  const syncs = Math.min(count, 200)
  const began = process.hrtime.bigint()
  for (let i = 0; i < syncs; i++) {
    writeSync(file, made[i] ?? new Uint8Array())
    fsyncSync(file)
  }
  const each = Number(process.hrtime.bigint() - began) / 1e9 / syncs
  closeSync(file)
  return {
    area,
    what: 'durable operations a second, many waiting',
    value: count / seconds,
    unit: '1/s',
    baseline: 'one write and fsync each',
    ratio: seconds / count / each,
    target: 4000,
  }
}
