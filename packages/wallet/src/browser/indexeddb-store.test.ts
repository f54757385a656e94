import 'fake-indexeddb/auto'
import { randomUUID } from 'node:crypto'
import { vaultContract } from '../testing/contract.ts'
import { indexedDbVaultStore } from './index.ts'

vaultContract('IndexedDB', () => indexedDbVaultStore(randomUUID()))
