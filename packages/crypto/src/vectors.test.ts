import { hexadecimal, utf8 } from '@keystead/core'
import { describe, expect, test } from 'vitest'
import { readVector, vectorsDir } from '../../core/src/testing/vectors.ts'
import { browserKeyProvider } from './browser/index.ts'
import { type CryptoDriver, installDriver } from './driver.ts'
import { hkdfSha256 } from './hash.ts'
import { aes256Gcm, aesKwUnwrap, aesKwWrap } from './jose.ts'
import { nodeDriver, nodeKeyProvider } from './node/index.ts'
import { portableDriver } from './portable.ts'
import { verifySignature, verifyZip215 } from './signature.ts'
import { xwingEncapsulate, xwingPublicKey } from './xwing.ts'

const present = vectorsDir() !== undefined
const hex = hexadecimal.decode
const drivers: [string, CryptoDriver][] = [
  ['portable', portableDriver],
  ['node', nodeDriver],
]
const load = (...path: string[]) => (present ? JSON.parse(readVector(...path)) : { testGroups: [] })

interface WycheproofCase {
  tcId: number
  result: 'valid' | 'invalid' | 'acceptable'
  flags: string[]
  [field: string]: unknown
}
function cases(file: string): { group: Record<string, unknown>; test: WycheproofCase }[] {
  const groups = load('wycheproof', file).testGroups as { tests: WycheproofCase[] }[]
  return groups.flatMap((group) => group.tests.map((test) => ({ group: group as Record<string, unknown>, test })))
}
const text = (value: unknown): Uint8Array<ArrayBuffer> => hex(String(value))

describe.skipIf(!present).each(drivers)('vectors: signatures with the %s driver', (_, driver) => {
  const verify = (key: string, message: Uint8Array, signature: string): boolean => {
    installDriver(driver)
    return verifySignature({ suite: 'ed25519', bytes: hex(key) }, message, hex(signature))
  }

  test('ed25519 cctv: exactly the 43 of 914 that libsodium accepts', () => {
    const all = load('ed25519', 'cctv.json') as { key: string; sig: string; msg: string }[]
    expect(all.length).toBe(914)
    expect(all.filter((c) => verify(c.key, utf8(c.msg), c.sig)).length).toBe(43)
  })

  test('ed25519 speccheck: of the twelve only the one that libsodium accepts', () => {
    const all = load('ed25519', 'speccheck.json') as { message: string; pub_key: string; signature: string }[]
    const accepted = all.flatMap((c, i) => (verify(c.pub_key, hex(c.message), c.signature) ? [i] : []))
    expect(accepted).toEqual([3])
  })

  test('ed25519 zip215: votes accept all 196, operations none of the strange ones', () => {
    const all = load('ed25519', 'zip215.json') as { vk_bytes: string; sig_bytes: string }[]
    installDriver(driver)
    for (const c of all) expect(verifyZip215(hex(c.vk_bytes), utf8('Zcash'), hex(c.sig_bytes))).toBe(true)
    expect(all.filter((c) => verify(c.vk_bytes, utf8('Zcash'), c.sig_bytes)).length).toBe(0)
  })

  test('wycheproof ed25519', () => {
    for (const { group, test } of cases('ed25519_test.json')) {
      const key = String((group['publicKey'] as { pk: string }).pk)
      expect(verify(key, text(test['msg']), String(test['sig'])), `case ${test.tcId}`).toBe(test.result === 'valid')
    }
  })

  test('wycheproof ecdsa P-256, raw r || s', () => {
    installDriver(driver)
    for (const { group, test } of cases('ecdsa_secp256r1_sha256_p1363_test.json')) {
      const point = text((group['publicKey'] as { uncompressed: string }).uncompressed)
      const bytes = Uint8Array.of(2 + ((point[64] ?? 0) & 1), ...point.subarray(1, 33))
      const held = verifySignature({ suite: 'p256', bytes }, text(test['msg']), text(test['sig']), { anyS: true })
      expect(held, `case ${test.tcId}`).toBe(test.result === 'valid')
    }
  })
})

describe.skipIf(!present).each(drivers)('vectors: encryption with the %s driver', (_, driver) => {
  test('wycheproof xchacha20-poly1305', () => {
    for (const { group, test } of cases('xchacha20_poly1305_test.json')) {
      if (group['ivSize'] !== 192) continue
      const sealed = Uint8Array.from([...text(test['ct']), ...text(test['tag'])])
      const opened = driver.xchachaOpen(text(test['key']), text(test['iv']), text(test['aad']), sealed)
      expect(opened, `case ${test.tcId}`).toEqual(test.result === 'valid' ? text(test['msg']) : undefined)
    }
  })

  test('wycheproof aes-256-gcm with 96-bit nonces', () => {
    installDriver(driver)
    for (const { group, test } of cases('aes_gcm_test.json')) {
      if (group['keySize'] !== 256 || group['ivSize'] !== 96) continue
      const open = () =>
        aes256Gcm.decrypt(text(test['key']), text(test['iv']), text(test['aad']), text(test['ct']), text(test['tag']))
      if (test.result === 'valid') expect(open(), `case ${test.tcId}`).toEqual(text(test['msg']))
      else expect(open, `case ${test.tcId}`).toThrow()
    }
  })

  test('wycheproof aes-256 key wrap', () => {
    installDriver(driver)
    for (const { group, test } of cases('aes_wrap_test.json')) {
      if (group['keySize'] !== 256) continue
      const unwrap = () => aesKwUnwrap(text(test['key']), text(test['ct']))
      if (test.result === 'valid') {
        expect(unwrap(), `case ${test.tcId}`).toEqual(text(test['msg']))
        expect(aesKwWrap(text(test['key']), text(test['msg']))).toEqual(text(test['ct']))
      } else if (test.result === 'invalid') expect(unwrap, `case ${test.tcId}`).toThrow()
    }
  })

  test('wycheproof hkdf-sha256', () => {
    installDriver(driver)
    for (const { test } of cases('hkdf_sha256_test.json')) {
      const derive = () => hkdfSha256(text(test['ikm']), text(test['salt']), text(test['info']), Number(test['size']))
      if (test.result === 'valid') expect(derive(), `case ${test.tcId}`).toEqual(text(test['okm']))
      else expect(derive, `case ${test.tcId}`).toThrow()
    }
  })
})

const providers = [
  ['node', nodeKeyProvider()],
  ['browser', browserKeyProvider()],
] as const

describe.skipIf(!present).each(providers)('vectors: private keys of the %s provider', (_, provider) => {
  test('wycheproof x25519: agrees, and refuses points of low order', async () => {
    for (const { test } of cases('x25519_test.json')) {
      const key = await provider.fromSecret({ kind: 'agreement', suite: 'x25519' }, text(test['private']))
      const shared = key.agree({ suite: 'x25519', bytes: text(test['public']) })
      if (test.flags.includes('ZeroSharedSecret'))
        await expect(shared, `case ${test.tcId}`).rejects.toMatchObject({ code: 'BAD_PUBLIC_KEY' })
      else expect(await shared, `case ${test.tcId}`).toEqual(text(test['shared']))
      key.destroy()
    }
  })

  test('x-wing: public key, encapsulation and decapsulation of every vector', async () => {
    const all = load('xwing', 'test-vectors.json') as {
      seed: string
      eseed: string
      ss: string
      pk: string
      ct: string
    }[]
    expect(all.length).toBeGreaterThan(2)
    for (const vector of all) {
      const key = await provider.fromSecret({ kind: 'kem', suite: 'x-wing' }, hex(vector.seed))
      expect(hexadecimal.encode(key.publicKey.bytes)).toBe(vector.pk)
      expect(xwingPublicKey(hex(vector.seed)).bytes).toEqual(key.publicKey.bytes)
      const made = xwingEncapsulate(key.publicKey, () => hex(vector.eseed))
      expect([hexadecimal.encode(made.ciphertext), hexadecimal.encode(made.sharedSecret)]).toEqual([
        vector.ct,
        vector.ss,
      ])
      expect(hexadecimal.encode(await key.decapsulate(hex(vector.ct)))).toBe(vector.ss)
    }
  })

  test('wycheproof ml-kem-768: decapsulation equals the oracle’s inside X-Wing', async () => {
    // The vectors test ML-KEM alone; here both providers must give one answer for the same X-Wing ciphertexts.
    const seed = new Uint8Array(32).fill(7)
    const key = await provider.fromSecret({ kind: 'kem', suite: 'x-wing' }, seed)
    const oracle = await browserKeyProvider().fromSecret({ kind: 'kem', suite: 'x-wing' }, seed)
    for (const { test } of cases('mlkem_768_test.json').slice(0, 40)) {
      const ciphertext = Uint8Array.from([...text(test['c']), ...new Uint8Array(32).fill(9)])
      if (ciphertext.length !== 1120) continue
      expect(await key.decapsulate(ciphertext)).toEqual(await oracle.decapsulate(ciphertext))
    }
  })
})
