export { isPublicAddress } from './public-address.ts'
export { checkedLookup, trustedGet, type WebGetOptions, webDownload, webFetch, webGet } from './web-fetch.ts'
