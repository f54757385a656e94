export { browserKeyProvider } from './provider.ts'
