export type { WalletErrorCode } from './errors.ts'
export { KEY_STATE_TRANSITIONS, type KeyState } from './key-states.ts'
export { memoryVaultStore } from './memory-store.ts'
export { createVault, openVault } from './open.ts'
export type {
  NewRecord,
  OpenVaultStore,
  StoredKeyslot,
  StoredRecord,
  StoredVault,
  StoreWrite,
  VaultStore,
} from './store.ts'
export type {
  KeyInfo,
  ListedRecord,
  Segment,
  Unlock,
  Vault,
  VaultChange,
  VaultOptions,
  VaultRecord,
} from './types.ts'
