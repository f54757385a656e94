/** ATTACH-3: files of any length, sealed piece by piece, and nothing opened that is not whole. */
import { concatBytes, hexadecimal, systemRandom } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { generateX25519Identity } from 'age-encryption'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AGE_IDENTITY, openAge, openAgeStream, sealAgeStream } from './index.ts'
import { ageKit } from './testing/age-kit.ts'
import { rejectsWith } from './testing/contract.ts'

const CHUNK = 64 * 1024

function streamOf(bytes: Uint8Array, pieces: number): ReadableStream<Uint8Array> {
  const length = Math.max(1, Math.ceil(bytes.length / pieces))
  let at = 0
  return new ReadableStream({
    pull: (controller) => {
      if (at >= bytes.length) return controller.close()
      controller.enqueue(bytes.slice(at, at + length))
      at += length
    },
  })
}

async function all(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const found: Uint8Array[] = []
  for await (const part of parts) found.push(part)
  return concatBytes(...found)
}

async function sealed(plain: Uint8Array): Promise<{ identity: string; file: Uint8Array; size: number }> {
  const { identity, sealed, size } = await sealAgeStream(streamOf(plain, 3), plain.length)
  return { identity, file: await all(sealed as unknown as AsyncIterable<Uint8Array>), size }
}

const opened = (file: Uint8Array, identity: string, pieces = 5): Promise<Uint8Array> =>
  all(openAgeStream(streamOf(file, pieces), identity))

describe('an age file in pieces', () => {
  it.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 17])(
    'of %i bytes opens again, and has the size that was told',
    async (length) => {
      const plain = systemRandom(length)
      const { identity, file, size } = await sealed(plain)
      expect(file.length).toBe(size)
      expect(await opened(file, identity)).toEqual(plain)
      // As any other program of age reads it.
      expect(await openAge(Uint8Array.from(file), { identities: [identity] })).toEqual(plain)
    },
  )

  it('MUST NOT open with any byte changed, with another identity, or with what is no identity', async () => {
    const { identity, file } = await sealed(systemRandom(CHUNK + 100))
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: file.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const changed = file.slice()
        changed[at] = (changed[at] as number) ^ by
        await expect(opened(changed, identity)).rejects.toMatchObject({ code: 'BAD_EXPORT' })
      }),
      { numRuns: 60 },
    )
    for (const other of [await generateX25519Identity(), 'AGE-SECRET-KEY-1', ''])
      await expect(opened(file, other)).rejects.toMatchObject({ code: 'BAD_EXPORT' })
  })

  it('MUST NOT pass for whole where it is cut short, at the end of a chunk too, or made longer', async () => {
    const plain = systemRandom(2 * CHUNK)
    const { identity, file } = await sealed(plain)
    const header = file.length - 2 * (CHUNK + 16)
    for (const end of [0, 10, header, header + CHUNK + 16, file.length - 1])
      await expect(opened(file.slice(0, end), identity)).rejects.toMatchObject({ code: 'BAD_EXPORT' })
    await expect(opened(concatBytes(file, new Uint8Array(1)), identity)).rejects.toMatchObject({ code: 'BAD_EXPORT' })
  })

  const cases = ageKit().flatMap(({ keys, ...rest }) =>
    keys && 'identities' in keys && keys.identities.length === 1 && AGE_IDENTITY.test(keys.identities[0] ?? '')
      ? [{ ...rest, identity: keys.identities[0] ?? '' }]
      : [],
  )

  it('the test kit of age has files for one X25519 identity, good and bad', () => {
    expect(cases.length).toBeGreaterThan(40)
    expect(new Set(cases.map(({ expected }) => expected === 'success')).size).toBe(2)
  })

  it.each(cases)('test kit: $name ($expected)', async ({ expected, payload, identity, file }) => {
    const outcome = opened(file, identity)
    if (expected === 'success') expect(hexadecimal.encode(sha256(await outcome))).toBe(payload)
    else await rejectsWith(outcome, 'BAD_EXPORT')
  })
})
