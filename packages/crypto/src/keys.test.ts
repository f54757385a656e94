import { inspect } from 'node:util'
import { concatBytes, systemRandom, utf8 } from '@keystead/core'
import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { argon2id } from './argon2.ts'
import { open, openText, seal } from './box.ts'
import { browserKeyProvider } from './browser/index.ts'
import { installDriver } from './driver.ts'
import { aes256CbcHs512, aes256Gcm, xc20p } from './jose.ts'
import { decodeMultikey, encodeMultikey, publicKeyFromJwk, publicKeyToJwk } from './multikey.ts'
import { nodeDriver, nodeKeyProvider } from './node/index.ts'
import { driver, portableDriver } from './portable.ts'
import { openSealed, sealTo } from './sealed.ts'
import { verifySignature } from './signature.ts'
import { keyType, SUITES } from './suites.ts'
import type { KeyType } from './types.ts'

const kek = new Uint8Array(32).fill(3)
const aad = utf8('wallet|key')
const providers = [
  ['node', nodeKeyProvider()],
  ['browser', browserKeyProvider()],
] as const
const types: KeyType[] = [
  { kind: 'signing', suite: 'ed25519' },
  { kind: 'signing', suite: 'p256' },
  { kind: 'agreement', suite: 'x25519' },
  { kind: 'agreement', suite: 'p256' },
  { kind: 'agreement', suite: 'p384' },
  { kind: 'agreement', suite: 'p521' },
  { kind: 'kem', suite: 'x-wing' },
]

describe.each(providers)('key handles of the %s provider', (name, provider) => {
  const other = name === 'node' ? browserKeyProvider() : nodeKeyProvider()

  test.each(types)('a wrapped $kind key of $suite loads on the other platform as the same key', async (type) => {
    const { key, wrapped } = await provider.generate(type, { kek, aad })
    const again = await other.unwrap(type, wrapped, { kek, aad })
    expect(again.publicKey).toEqual(key.publicKey)
    expect(decodeMultikey(encodeMultikey(key.publicKey))).toEqual(key.publicKey)
  })

  test.each(types)('a wrapped $kind key of $suite MUST NOT load under another kek, aad, kind or byte', async (type) => {
    const { wrapped } = await provider.generate(type, { kek, aad })
    const refused = { code: 'DECRYPTION_FAILED' }
    await expect(provider.unwrap(type, wrapped, { kek: new Uint8Array(32), aad })).rejects.toMatchObject(refused)
    await expect(provider.unwrap(type, wrapped, { kek, aad: utf8('elsewhere') })).rejects.toMatchObject(refused)
    const otherType = types.find((t) => t.kind !== type.kind) as KeyType
    await expect(provider.unwrap(otherType, wrapped, { kek, aad })).rejects.toMatchObject(refused)
    const changed = new Uint8Array(wrapped)
    changed[wrapped.length >> 1] = (changed[wrapped.length >> 1] ?? 0) ^ 1
    await expect(provider.unwrap(type, changed, { kek, aad })).rejects.toMatchObject(refused)
  })

  test.each(['ed25519', 'p256'] as const)('%s signatures hold on both drivers, with low s', async (suite) => {
    const key = await provider.ephemeral({ kind: 'signing', suite })
    for (let i = 0; i < 8; i++) {
      const message = utf8(`message ${i}`)
      const signature = await key.sign(message)
      for (const d of [portableDriver, nodeDriver]) {
        installDriver(d)
        expect(verifySignature(key.publicKey, message, signature)).toBe(true)
        expect(verifySignature(key.publicKey, utf8('another'), signature)).toBe(false)
      }
    }
  })

  test('what is written into a public key that was shown MUST NOT reach a signature', async () => {
    const key = await provider.ephemeral({ kind: 'signing', suite: 'ed25519' })
    const signature = await key.sign(aad)
    key.publicKey.bytes.fill(0)
    expect(await key.sign(aad)).toEqual(signature)
  })

  test('the malleable twin of a P-256 signature MUST be refused', async () => {
    const key = await provider.ephemeral({ kind: 'signing', suite: 'p256' })
    const signature = await key.sign(aad)
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
    const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`)
    const twin = concatBytes(signature.subarray(0, 32), Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex'))
    expect(verifySignature(key.publicKey, aad, twin)).toBe(false)
    expect(verifySignature(key.publicKey, aad, twin, { anyS: true })).toBe(true)
  })

  test.each(['x25519', 'p256', 'p384', 'p521'] as const)('two parties agree on %s', async (suite) => {
    const mine = await provider.ephemeral({ kind: 'agreement', suite })
    const theirs = await other.ephemeral({ kind: 'agreement', suite })
    expect(await mine.agree(theirs.publicKey)).toEqual(await theirs.agree(mine.publicKey))
  })

  test.each(['x25519', 'p256'] as const)(
    'a %s secret asked for again is the one of its two keys, a copy',
    async (suite) => {
      const mine = await provider.ephemeral({ kind: 'agreement', suite })
      const peers = await Promise.all([1, 2, 3].map(() => other.ephemeral({ kind: 'agreement', suite })))
      for (const { publicKey } of [...peers, ...peers]) {
        const secret = await mine.agree(publicKey, 'known')
        expect(secret).toEqual(await mine.agree(publicKey))
        secret.fill(0)
      }
      const [peer] = peers
      const elsewhere = { suite: suite === 'x25519' ? 'p384' : 'x25519', bytes: peer?.publicKey.bytes } as never
      await expect(mine.agree(elsewhere, 'known')).rejects.toMatchObject({ code: 'BAD_PUBLIC_KEY' })
      mine.destroy()
      await expect(mine.agree(peer?.publicKey as never, 'known')).rejects.toMatchObject({ code: 'KEY_DESTROYED' })
    },
  )

  test('a destroyed key MUST refuse', async () => {
    for (const type of types) {
      const key = await provider.ephemeral(type)
      key.destroy()
      const use =
        key.kind === 'signing'
          ? key.sign(aad)
          : key.kind === 'agreement'
            ? key.agree(key.publicKey)
            : key.decapsulate(new Uint8Array(1120))
      await expect(use).rejects.toMatchObject({ code: 'KEY_DESTROYED' })
    }
  })

  test('a handle shows nothing of its private half', async () => {
    const secret = new Uint8Array(32).fill(0x5a)
    const key = await provider.fromSecret({ kind: 'signing', suite: 'ed25519' }, new Uint8Array(secret))
    const shown = inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key) + String(key)
    expect(shown).not.toMatch(/5a5a5a5a|90, ?90, ?90/)
  })

  test('sealed boxes open for their recipient, in their place, unchanged, and otherwise not', async () => {
    const key = await provider.ephemeral({ kind: 'kem', suite: 'x-wing' })
    const sealed = sealTo(key.publicKey, utf8('secret'), aad)
    expect(await openSealed(key, sealed, aad)).toEqual(utf8('secret'))
    const refused = { code: 'DECRYPTION_FAILED' }
    await expect(openSealed(key, sealed, utf8('elsewhere'))).rejects.toMatchObject(refused)
    const stranger = await provider.ephemeral({ kind: 'kem', suite: 'x-wing' })
    await expect(openSealed(stranger, sealed, aad)).rejects.toMatchObject(refused)
    for (const at of [0, 1, 600, 1100, 1121, 1150, sealed.length - 1]) {
      const changed = new Uint8Array(sealed)
      changed[at] = (changed[at] ?? 0) ^ 1
      await expect(openSealed(key, changed, aad)).rejects.toMatchObject(refused)
    }
  })
})

test('secrets with more peers than are kept are still right', async () => {
  const provider = nodeKeyProvider()
  const mine = await provider.ephemeral({ kind: 'agreement', suite: 'x25519' })
  const first = await provider.ephemeral({ kind: 'agreement', suite: 'x25519' })
  const secret = await mine.agree(first.publicKey, 'known')
  for (let i = 0; i < 9000; i++) {
    const peer = await provider.ephemeral({ kind: 'agreement', suite: 'x25519' })
    await mine.agree(peer.publicKey, 'known')
    peer.destroy()
  }
  expect(await mine.agree(first.publicKey, 'known')).toEqual(secret)
}, 120_000)

test('50,000 keys fit in guarded memory, and their slots are used again', async () => {
  const provider = nodeKeyProvider()
  const keys = []
  for (let i = 0; i < 50_000; i++) keys.push(await provider.ephemeral({ kind: 'signing', suite: 'ed25519' }))
  expect(await keys[49_999]?.sign(aad)).toHaveLength(64)
  for (const key of keys) key.destroy()
  expect(await (await provider.ephemeral({ kind: 'signing', suite: 'ed25519' })).sign(aad)).toHaveLength(64)
}, 120_000)

describe('public keys as text', () => {
  test('JWK and Multikey mean the same key', async () => {
    for (const type of types.filter((t) => t.suite !== 'x-wing')) {
      const { publicKey } = await nodeKeyProvider().ephemeral(type)
      expect(publicKeyFromJwk(publicKeyToJwk(publicKey))).toEqual(publicKey)
    }
  })

  test('random and mutated text never does more than throw an error of ours', async () => {
    const { publicKey } = await nodeKeyProvider().ephemeral({ kind: 'signing', suite: 'ed25519' })
    const good = encodeMultikey(publicKey)
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.nat(good.length - 1).map((i) => `${good.slice(0, i)}z${good.slice(i + 1)}`),
        ),
        (text) => {
          try {
            expect(encodeMultikey(decodeMultikey(text))).toBe(text)
          } catch (error) {
            expect(error).toHaveProperty('code')
          }
        },
      ),
    )
    fc.assert(
      fc.property(fc.jsonValue(), (jwk) => {
        expect(() => publicKeyFromJwk(jwk)).toThrow(expect.objectContaining({ code: expect.any(String) }))
      }),
    )
  })

  test('a JWK with a private member MUST be refused', async () => {
    const { publicKey } = await nodeKeyProvider().ephemeral({ kind: 'signing', suite: 'ed25519' })
    expect(() => publicKeyFromJwk({ ...publicKeyToJwk(publicKey), d: 'AA' })).toThrow()
  })
})

test.each([portableDriver, nodeDriver])('secret-key boxes and JOSE ciphers refuse changed bytes ($name)', (d) => {
  installDriver(d)
  expect(driver().name).toBe(d.name)
  const boxed = seal(kek, utf8('hello'), aad)
  expect(open(kek, boxed, aad)).toEqual(utf8('hello'))
  for (let i = 0; i < boxed.length; i++) {
    const changed = new Uint8Array(boxed)
    changed[i] = (changed[i] ?? 0) ^ 0x80
    expect(() => open(kek, changed, aad)).toThrow()
    expect(() => openText(kek, changed, aad)).toThrow(expect.objectContaining({ code: 'DECRYPTION_FAILED' }))
  }
  for (const cipher of [aes256Gcm, xc20p, aes256CbcHs512]) {
    const key = new Uint8Array(cipher.keyBytes).fill(1)
    const iv = new Uint8Array(cipher.ivBytes).fill(2)
    const { ciphertext, tag } = cipher.encrypt(key, iv, aad, utf8('hello'))
    expect(cipher.decrypt(key, iv, aad, ciphertext, tag)).toEqual(utf8('hello'))
    expect(() => cipher.decrypt(key, iv, kek, ciphertext, tag)).toThrow()
    expect(() => cipher.decrypt(key, iv, aad, ciphertext, tag.subarray(1))).toThrow()
  }
})

test.each([portableDriver, nodeDriver])(
  'a box of text is that of its UTF-8, short or long, and opens as either ($name)',
  (d) => {
    const nonce = new Uint8Array(24).fill(9)
    // Around the room for short texts, and for the characters of one to four bytes.
    for (const text of [
      '',
      'a',
      'ä€😀'.repeat(50),
      'x'.repeat(5461),
      'x'.repeat(5462),
      '€'.repeat(5461),
      'x'.repeat(16_385),
    ]) {
      installDriver(d)
      const boxed = seal(kek, text, aad, nonce)
      installDriver(d === nodeDriver ? portableDriver : nodeDriver)
      expect(boxed).toEqual(seal(kek, utf8(text), aad, nonce))
      expect(openText(kek, boxed, aad)).toBe(text)
      expect(open(kek, boxed, aad)).toEqual(utf8(text))
    }
    installDriver(d)
    const noText = seal(kek, Uint8Array.of(0x61, 0xff), aad)
    expect(() => openText(kek, noText, aad)).toThrow(expect.objectContaining({ code: 'BAD_ENCODING' }))
  },
)

test.each([8, 14, 16, 32])(
  'Argon2id with a salt of %i bytes is the same native and portable (RFC 9106)',
  async (length) => {
    const { argon2id: wasm } = await import('hash-wasm')
    const [password, salt] = [utf8('correct horse'), new Uint8Array(length).fill(7)]
    for (const [memoryKiB, passes, tag] of [
      [64, 2, 32],
      [8, 1, 4],
      [1024, 3, 64],
    ] as const) {
      const native = await argon2id(password, salt, { memoryKiB, passes }, tag)
      const portable = await wasm({
        password,
        salt,
        memorySize: memoryKiB,
        iterations: passes,
        parallelism: 1,
        hashLength: tag,
        outputType: 'binary',
      })
      expect(native).toEqual(new Uint8Array(portable))
    }
  },
)

test('Argon2id MUST NOT take more memory than a hostile file may ask for', async () => {
  const asked = argon2id(utf8('correct horse'), new Uint8Array(16), { memoryKiB: 2 ** 30, passes: 1 }, 32)
  await expect(asked).rejects.toMatchObject({ code: 'BAD_PARAMETERS' })
})

test.each([
  ['memory', 8.5, 1, 32],
  ['memory', Number.NaN, 1, 32],
  ['memory', 7, 1, 32],
  ['passes', 8, 1.5, 32],
  ['passes', 8, 0, 32],
  ['passes', 8, 65, 32],
  ['length', 8, 1, 32.5],
  ['length', 8, 1, 3],
])('Argon2id takes no %s that is out of range or a fraction', async (_, memoryKiB, passes, length) => {
  const asked = argon2id(utf8('correct horse'), new Uint8Array(16), { memoryKiB, passes }, length)
  await expect(asked).rejects.toMatchObject({ code: 'BAD_PARAMETERS' })
})

test('no two boxes have one nonce', () => {
  const boxes = Array.from({ length: 1000 }, () => seal(kek, aad, aad))
  expect(new Set(boxes.map((box) => Buffer.from(box.subarray(0, 24)).toString('hex'))).size).toBe(1000)
})

test.each(providers)('a sealed box with a point of low order in it is DECRYPTION_FAILED (%s)', async (_, provider) => {
  const key = await provider.ephemeral({ kind: 'kem', suite: 'x-wing' })
  const sealed = sealTo(key.publicKey as Parameters<typeof sealTo>[0], utf8('secret'), aad)
  for (const first of [0, 1]) {
    const crafted = sealed.slice()
    crafted.fill(0, 1 + 1088, 1 + 1120)
    crafted[1 + 1088] = first
    await expect(openSealed(key, crafted, aad)).rejects.toMatchObject({ code: 'DECRYPTION_FAILED' })
  }
})

test('keys are made in the suites that the registry has for their kind, and in no other', () => {
  const made = types.map(({ kind, suite }) => `${kind} ${suite}`)
  for (const kind of ['signing', 'agreement', 'kem', 'sealing', 'toString'])
    for (const suite of [...Object.keys(SUITES), 'rsa', '__proto__']) {
      if (made.includes(`${kind} ${suite}`)) expect(keyType(kind, suite)).toEqual({ kind, suite })
      else expect(() => keyType(kind, suite)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_SUITE' }))
    }
})

describe('which Ed25519 keys are good ones', () => {
  const { Point } = ed25519
  /** As RFC 8032 reads points, without those of small order. */
  const good = (bytes: Uint8Array): boolean => {
    try {
      return !Point.fromBytes(bytes, false).isSmallOrder()
    } catch {
      return false
    }
  }
  const signed = (bytes: Uint8Array): Uint8Array => bytes.map((byte, n) => (n === 31 ? byte ^ 128 : byte))
  const torsion = ED25519_TORSION_SUBGROUP.map((text) => Uint8Array.from(Buffer.from(text, 'hex')))
  /** p, p + 1 and so on: other texts of 0, 1, ... */
  const tooLarge = Array.from({ length: 19 }, (_, n) =>
    Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 0xed + n : at === 31 ? 127 : 255)),
  )
  const mixed = torsion.slice(1).map((text) => Point.fromBytes(text).add(Point.BASE.multiply(7n)).toBytes())
  const random = Array.from({ length: 300 }, () => systemRandom(32))

  test.each([
    ['of small order, with either sign', [...torsion, ...torsion.map(signed)], 0],
    ['that are no canonical text', [...tooLarge, ...tooLarge.map(signed)], 0],
    ['with a part of small order', mixed, mixed.length],
    ['of any bytes', random, undefined],
  ])('the native driver and the portable curve agree on points %s', (_, points, count) => {
    expect(points.map((point) => nodeDriver.isGoodEd25519(point))).toEqual(points.map(good))
    if (count !== undefined) expect(points.filter(good)).toHaveLength(count)
  })
})
