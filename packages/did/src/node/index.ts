export { isPublicAddress, type WebFetchOptions, webFetch } from './web-fetch.ts'
