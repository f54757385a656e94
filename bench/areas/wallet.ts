/** A wallet: opened, its vault, and shares of a secret. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, systemRandom } from '@keystead/core'
import { argon2id } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { combineMnemonics, splitSecret } from '@keystead/recovery'
import { createVault, openVault } from '@keystead/wallet'
import { sqliteVaultStore } from '@keystead/wallet/node'
import { type Budget, compare, type Row } from '../measure.ts'
import { vaultRows } from './vault.ts'

export async function wallet(budget: Budget): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'keystead-bench-'))
  const keys = nodeKeyProvider()
  try {
    const options = { store: sqliteVaultStore(join(folder, 'vault')), keys, clock: systemClock, random: systemRandom }
    const unlock = { kind: 'passphrase', passphrase: 'correct horse battery staple' } as const
    await (await createVault(options, unlock)).lock()
    const password = new TextEncoder().encode(unlock.passphrase)
    const salt = systemRandom(16)
    const argon = { memoryKiB: 64 * 1024, passes: 3, parallelism: 1 } as const
    const opened = await compare(budget, {
      area: 'wallet',
      what: 'open and lock (Argon2id, 64 MiB, 3 passes)',
      ours: async () => (await openVault(options, unlock)).lock(),
      baseline: { name: 'Argon2id alone', work: () => argon2id(password, salt, argon, 32) },
      target: 1.1,
    })
    return [opened, ...(await vaultRows(budget, folder)), ...(await sharing(budget))]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function sharing(budget: Budget): Promise<Row[]> {
  const secret = systemRandom(32)
  const split = () =>
    splitSecret(secret, { groupThreshold: 1, groups: [{ threshold: 2, count: 3 }], random: systemRandom })
  const shares = split()[0] ?? []
  return [
    await compare(budget, { area: 'recovery', what: 'SLIP-39 split, 2 of 3', ours: split }),
    await compare(budget, {
      area: 'recovery',
      what: 'SLIP-39 combine, 2 of 3',
      ours: () => combineMnemonics(shares.slice(0, 2)),
    }),
  ]
}
