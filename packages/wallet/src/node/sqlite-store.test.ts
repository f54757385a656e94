import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vaultContract } from '../testing/contract.ts'
import { sqliteVaultStore } from './index.ts'

vaultContract('sqlite', () => sqliteVaultStore(join(mkdtempSync(join(tmpdir(), 'keystead-vault-')), 'wallet')))
