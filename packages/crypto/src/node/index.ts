/** Node's half: importing it installs the native driver and Argon2; apps pass the provider down. */
import { argon2 } from 'node:crypto'
import { promisify } from 'node:util'
import { installBase64url } from '@keystead/core'
import { installArgon2 } from '../argon2.ts'
import { installDriver } from '../driver.ts'
import { nodeDriver } from './driver.ts'

installDriver(nodeDriver)
installBase64url({
  encode: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url'),
  decode: (text) => Buffer.from(text, 'base64url'),
})
const argon2Async = promisify(argon2)
installArgon2(async (message, nonce, { memoryKiB, passes }, tagLength) => {
  const tag = await argon2Async('argon2id', { message, nonce, parallelism: 1, tagLength, memory: memoryKiB, passes })
  return new Uint8Array(tag)
})

export { nodeDriver } from './driver.ts'
export { nodeKeyProvider } from './provider.ts'
