/** VAULT-11: what an export holds and what it never does, and the age files around it. */
import { type Bytes, base64url, FakeClock, hexadecimal, systemRandom, utf8, utf8Decode } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { generateHybridIdentity, generateX25519Identity, identityToRecipient } from 'age-encryption'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  createVault,
  decodeExport,
  encodeExport,
  KEY_PURPOSES,
  type KeyPurpose,
  memoryVaultStore,
  openAge,
  type Segment,
  sealAge,
  type Vault,
  verifyAuditLog,
} from './index.ts'
import { ageKit } from './testing/age-kit.ts'
import { rejectsWith } from './testing/contract.ts'

const UNLOCK = { kind: 'raw', key: new Uint8Array(32).fill(1) } as const
const SUITES = {
  signing: { kind: 'signing', suite: 'ed25519' },
  agreement: { kind: 'agreement', suite: 'x25519' },
  kem: { kind: 'kem', suite: 'x-wing' },
} as const
const SEGMENTS: readonly Segment[] = ['authority', 'keys', 'relationships', 'credentials', 'messages', 'cache']

let vault: Vault
const seeds: Bytes[] = []

beforeEach(async () => {
  const clock = new FakeClock(Date.UTC(2026, 0, 1))
  vault = await createVault({ store: memoryVaultStore(), keys: nodeKeyProvider(), clock, random: systemRandom }, UNLOCK)
  for (const segment of SEGMENTS)
    await vault.put({
      segment,
      category: `in ${segment}`,
      name: 'n',
      value: { marker: `value in ${segment}` },
      tags: { t: '1' },
    })
  for (const [purpose, { kind }] of Object.entries(KEY_PURPOSES)) {
    const seed = systemRandom(32)
    seeds.push(seed.slice())
    await vault.importKey(SUITES[kind], seed, purpose as KeyPurpose)
  }
})

const lines = async (): Promise<Bytes> =>
  encodeExport({ wallet: vault.id, at: 1, records: await vault.exportRecords(), keys: await vault.keys() })

/** Whether `secret` stands in `text` in one of the ways programs write bytes. */
const shows = (text: string, secret: Bytes): boolean =>
  [
    base64url.encode(secret),
    hexadecimal.encode(secret),
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('latin1'),
  ].some((form) => text.includes(form))

describe('VAULT-11: an export', () => {
  it('reads back as it was written, and holds every record that may leave', async () => {
    const read = decodeExport(await lines())
    expect(read.records).toHaveLength(4)
    expect(new Set(read.records)).toEqual(new Set(await vault.exportRecords()))
    expect(read.keys.map(({ purpose }) => purpose).sort()).toEqual(
      (await vault.keys()).map(({ purpose }) => purpose).sort(),
    )
    expect(encodeExport({ ...read, keys: await vault.keys() })).toEqual(await lines())
  })

  it('MUST NOT hold a private key of any purpose, nor a record of the segments keys and cache', async () => {
    const text = utf8Decode(await lines())
    expect(text).toContain('value in credentials')
    expect(seeds.length).toBeGreaterThanOrEqual(Object.keys(KEY_PURPOSES).length)
    for (const seed of seeds) expect(shows(text, seed)).toBe(false)
    expect(shows(text, UNLOCK.key)).toBe(false)
    for (const segment of ['keys', 'cache'] as const) {
      expect(text).not.toContain(`value in ${segment}`)
      const record = { segment, category: 'c', name: 'n', value: {} }
      expect(() => encodeExport({ wallet: 'w', at: 0, records: [record], keys: [] })).toThrow(/stay here/)
    }
  })

  it('changed in any line, cut, longer, of a strange segment or with unknown members is BAD_EXPORT', async () => {
    const text = utf8Decode(await lines())
    const bad = (changed: string) =>
      expect(() => decodeExport(utf8(changed))).toThrow(expect.objectContaining({ code: 'BAD_EXPORT' }))
    const rows = text.trimEnd().split('\n')
    bad('')
    bad(text.slice(0, -1))
    bad(`${rows.slice(0, -1).join('\n')}\n`)
    bad(`${text}${rows[1]}\n`)
    bad(text.replace('"segment":"messages"', '"segment":"keys"'))
    bad(text.replace('"kind":"record"', '"extra":1,"kind":"record"'))
    bad(text.replace('"v":1', '"v":0'))
    expect(() => decodeExport(utf8(text.replace('"v":1', '"v":2')))).toThrow(
      expect.objectContaining({ code: 'UPDATE_REQUIRED' }),
    )
  })

  it('of any bytes is read or BAD_EXPORT, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.string().map(utf8),
          fc.json().map((text) => utf8(`${text}\n`)),
        ),
        (bytes) => {
          expect(() => decodeExport(new Uint8Array(bytes))).toThrow(expect.objectContaining({ code: 'BAD_EXPORT' }))
        },
      ),
    )
  })

  it('is written into the audit log, which still verifies', async () => {
    await vault.noteExport(4)
    const { entries } = verifyAuditLog(await vault.auditLog())
    expect(entries.at(-1)).toMatchObject({ event: 'records exported', records: 4 })
  })
})

describe('VAULT-11: its age file', () => {
  const plain = utf8('forty-two')

  it('opens for each recipient, hybrid or X25519, or with the passphrase, and otherwise not', async () => {
    const [hybrid, classic, stranger] = [
      await generateHybridIdentity(),
      await generateX25519Identity(),
      await generateX25519Identity(),
    ]
    // A hybrid recipient beside a classic one would be as weak as that: the format refuses the mixture.
    for (const identity of [hybrid, classic]) {
      const file = await sealAge(plain, { recipients: [await identityToRecipient(identity)] })
      expect(await openAge(file, { identities: [stranger, identity] })).toEqual(plain)
      await rejectsWith(openAge(file, { identities: [stranger] }), 'BAD_EXPORT')
      for (const at of [30, file.length - 1]) {
        const changed = file.slice()
        changed[at] = (changed[at] ?? 0) ^ 1
        await rejectsWith(openAge(changed, { identities: [identity] }), 'BAD_EXPORT')
      }
      await rejectsWith(openAge(file.slice(0, -1), { identities: [identity] }), 'BAD_EXPORT')
    }
    const locked = await sealAge(plain, { passphrase: 'correct horse' }, 10)
    expect(await openAge(locked, { passphrase: 'correct horse' })).toEqual(plain)
    await rejectsWith(openAge(locked, { passphrase: 'wrong horse' }), 'BAD_EXPORT')
  })

  it('of a recipient or identity that is none is BAD_RECIPIENT, and the error does not repeat it', async () => {
    const secret = await generateX25519Identity()
    const sealed = sealAge(plain, { recipients: [secret] })
    await rejectsWith(sealed, 'BAD_RECIPIENT')
    await expect(sealed).rejects.not.toThrow(secret)
    await rejectsWith(sealAge(plain, { recipients: [] }), 'BAD_RECIPIENT')
    await rejectsWith(openAge(plain, { identities: ['AGE-SECRET-KEY-1NONE'] }), 'BAD_RECIPIENT')
  })

  const cases = ageKit().filter(({ keys }) => keys !== undefined)

  it('the test kit of age has the vectors of the recipients we use', () => {
    expect(cases.length).toBeGreaterThan(80)
    expect(cases.some(({ file }) => Buffer.from(file).includes('mlkem768x25519'))).toBe(true)
  })

  it.each(cases)('test kit: $name ($expected)', async ({ expected, payload, keys, file }) => {
    const opened = openAge(file, keys as NonNullable<typeof keys>)
    if (expected === 'success') expect(hexadecimal.encode(sha256(await opened))).toBe(payload)
    else await rejectsWith(opened, 'BAD_EXPORT')
  })
})
