import { memoryVaultStore } from './index.ts'
import { vaultContract } from './testing/contract.ts'

vaultContract('memory', memoryVaultStore)
