/** Input for parser tests: changed bytes of a valid text, and noise. */
import type { Bytes } from '@keystead/core'
import fc from 'fast-check'

/** One byte replaced, removed, inserted or everything after it cut off; never the same bytes again. */
export function mutated(valid: Uint8Array): fc.Arbitrary<Bytes> {
  return fc
    .tuple(
      fc.nat(valid.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.constantFrom('change', 'remove', 'insert', 'cut'),
    )
    .map(([at, byte, kind]) => {
      const before = [...valid.subarray(0, at)]
      const after = [...valid.subarray(at + 1)]
      const old = valid[at] as number
      switch (kind) {
        case 'change':
          return Uint8Array.from([...before, old ^ byte, ...after])
        case 'remove':
          return Uint8Array.from([...before, ...after])
        case 'insert':
          return Uint8Array.from([...before, byte, old, ...after])
        default:
          return Uint8Array.from(before)
      }
    })
    .filter((bytes) => Buffer.compare(bytes, valid) !== 0)
}

export const noise: fc.Arbitrary<Bytes> = fc.oneof(
  fc.uint8Array({ maxLength: 3000 }).map((bytes) => Uint8Array.from(bytes)),
  fc.json().map((text) => Uint8Array.from(Buffer.from(text))),
)

/** The code of the KeysteadError that `run` throws; undefined when it returns; other errors pass through. */
export async function codeOf(run: () => unknown): Promise<string | undefined> {
  try {
    await run()
    return undefined
  } catch (error) {
    if (error instanceof Error && error.name === 'KeysteadError') return (error as Error & { code: string }).code
    throw error
  }
}
