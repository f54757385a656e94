/** Texts of an entry and of heads, read as `Fields.decoded` wants it: what is of another form is thrown out. */
import { base64url } from '@keystead/core'
import { isChainId } from './stamp.ts'

export function chainId(text: string): string {
  if (!isChainId(text)) throw new Error('not 16 bytes')
  return text
}

/** SHA-256 as base64url. */
export function hash(text: string): string {
  if (base64url.decode(text).length !== 32) throw new Error('not a hash')
  return text
}
