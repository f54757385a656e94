export { indexedDbVaultStore } from './indexeddb-store.ts'
