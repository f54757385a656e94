export { getResolver } from './did-resolver.ts'
export { type DkmsResolverOptions, dkmsResolver } from './dkms-resolver.ts'
export { type PublicResolverOptions, publicResolver } from './public-resolver.ts'
