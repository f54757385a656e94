export { isPublicAddress } from './public-address.ts'
export { trustedGet, type WebGetOptions, webFetch, webGet } from './web-fetch.ts'
