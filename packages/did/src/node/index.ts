export { isPublicAddress } from './public-address.ts'
export { checkedLookup, trustedGet, type WebGetOptions, webFetch, webGet } from './web-fetch.ts'
