export { getResolver } from './did-resolver.ts'
export { type DkmsResolverOptions, dkmsPolicy, dkmsResolver } from './dkms-resolver.ts'
export { type PublicResolverOptions, publicResolver } from './public-resolver.ts'
