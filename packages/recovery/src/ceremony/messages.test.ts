import { base64url } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { kemKey, signingKey } from '../testing/keys.ts'
import { codeOf } from '../testing/mutate.ts'
import { codeMatches } from './code.ts'
import { parseCeremonyMessage } from './messages.ts'

const filled = (length: number): string => base64url.encode(new Uint8Array(length).fill(1))
const session = filled(16)
const commitment = { type: 'commitment', session, commitment: filled(32) } as const
const kem = encodeMultikey((await kemKey(1)).publicKey)
const signing = encodeMultikey((await signingKey(1)).publicKey)
const reveal = { type: 'reveal', session, kem, signing, nonce: filled(32) } as const

describe('messages of the ceremony', () => {
  it('read back as they were written', () => {
    for (const message of [
      commitment,
      reveal,
      { type: 'nonce', session, nonce: filled(32) },
      { type: 'refusal', session },
    ])
      expect(parseCeremonyMessage(message)).toEqual(message)
  })

  it('open, short or of another suite MUST be refused', async () => {
    for (const value of [
      null,
      {},
      { ...reveal, extra: 1 },
      { ...reveal, kem: reveal.signing },
      { ...reveal, signing: reveal.kem },
      { ...reveal, nonce: 'AA' },
      { ...commitment, commitment: `${commitment.commitment}A` },
      { ...commitment, session: 'AA' },
      { ...commitment, type: 'approve' },
    ])
      expect(await codeOf(() => parseCeremonyMessage(value))).toBe('CEREMONY_REFUSED')
    await fc.assert(
      fc.asyncProperty(fc.anything(), async (value) => {
        expect(await codeOf(() => parseCeremonyMessage(value))).toBe('CEREMONY_REFUSED')
      }),
    )
  })

  it('codes are compared without spaces and hyphens, and whole', () => {
    expect(codeMatches('01234567', '0123 4567')).toBe(true)
    expect(codeMatches('01234567', '0123-4567')).toBe(true)
    for (const wrong of ['', '1234567', '012345678', '01234568']) expect(codeMatches('01234567', wrong)).toBe(false)
  })
})
