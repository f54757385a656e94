import { createHash, createHmac } from 'node:crypto'
import { base64url, concatBytes, utf8 } from '@keystead/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nodeDriver } from './node/index.ts'
import { portableHashes } from './portable/hashes.ts'

const part = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom('', 'ä'.repeat(130), 'x'.repeat(5_461), 'x'.repeat(5_462), 'x'.repeat(20_000), '€'.repeat(6_000)),
  fc.constantFrom(new Uint8Array(256), new Uint8Array(257), new Uint8Array(16_384), new Uint8Array(16_385)),
)

test('SHA-256 of parts, bytes or text, is that of the parts one behind the other, by both drivers', () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
      const whole = concatBytes(...parts.map((one) => (typeof one === 'string' ? utf8(one) : one)))
      const expected = new Uint8Array(createHash('sha256').update(whole).digest())
      expect(nodeDriver.sha256(...parts)).toEqual(expected)
      expect(portableHashes.sha256(...parts)).toEqual(expected)
    }),
  )
})

test('HMAC-SHA-256 is what the platform gives, and a token the text of its first bytes, each time, by both drivers', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), part, fc.integer({ min: 1, max: 32 }), (key, data, bytes) => {
      const expected = createHmac('sha256', key).update(data).digest()
      for (const driver of [nodeDriver, portableHashes]) {
        const token = driver.tokensSha256(key, bytes)
        expect(token(data)).toBe(expected.subarray(0, bytes).toString('base64url'))
        expect(token(data)).toBe(expected.subarray(0, bytes).toString('base64url'))
        if (typeof data !== 'string') expect(driver.hmacSha256(key, data)).toEqual(new Uint8Array(expected))
      }
    }),
  )
})

test('HMAC-SHA-512 of parts is that of the parts one behind the other, by both drivers', () => {
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(new Uint8Array(16_384).fill(1)))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.array(bytes, { maxLength: 4 }), (key, parts) => {
      const expected = new Uint8Array(
        createHmac('sha512', key)
          .update(concatBytes(...parts))
          .digest(),
      )
      for (const driver of [nodeDriver, portableHashes]) expect(driver.hmacSha512(key, ...parts)).toEqual(expected)
    }),
  )
})

test.each([0, 1, 32, 63, 64, 65, 5000])('base64url of %i bytes is the same by Node as without it', (length) => {
  const bytes = new Uint8Array(length).map((_, n) => 255 - n)
  for (const view of [bytes, Buffer.concat([Buffer.of(1), bytes]).subarray(1)]) {
    expect(base64url.encode(view)).toBe(Buffer.from(bytes).toString('base64url'))
    expect(base64url.decode(base64url.encode(view))).toEqual(bytes)
  }
})

// RFC 7914, section 11.
test('PBKDF2-HMAC-SHA-256 gives what the RFC says, by both drivers', () => {
  for (const driver of [nodeDriver, portableHashes]) {
    const hex = (...parts: [string, string, number]) =>
      Buffer.from(driver.pbkdf2Sha256(utf8(parts[0]), utf8(parts[1]), parts[2], 64)).toString('hex')
    expect(hex('passwd', 'salt', 1)).toBe(
      '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783',
    )
    expect(hex('Password', 'NaCl', 80_000)).toBe(
      '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d',
    )
  }
})

test('SHA-256 of pieces as they come is that of the whole, by both drivers', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }), (pieces) => {
      const expected = new Uint8Array(
        createHash('sha256')
          .update(concatBytes(...pieces))
          .digest(),
      )
      for (const driver of [nodeDriver, portableHashes]) {
        const running = driver.startSha256()
        for (const piece of pieces) running.update(piece)
        expect(running.digest()).toEqual(expected)
      }
    }),
  )
})
