export { sqliteVaultStore } from './sqlite-store.ts'
