/** ATTACH-2: what a message says of a file, read back as it was written, and whatever others write. */
import { base64url, hexadecimal, multihash, systemRandom, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { type Message, packPlaintext, parseMessage } from '@keystead/didcomm'
import { generateX25519Identity } from 'age-encryption'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Attached, attachedTo, attachmentOf, readHash } from './attached.ts'

const digest = sha256(utf8('content'))
const hash = multihash.encode(digest)
const LINK = 'https://agency.example/v1/attachments/x'

/** As it is after it was on the wire. */
function overTheWire(attachments: unknown): Attached[] {
  const message = { id: '1', type: 'https://didcomm.org/basicmessage/2.0/message', body: { content: 'x' }, attachments }
  return attachedTo(parseMessage(JSON.parse(new TextDecoder().decode(packPlaintext(message as unknown as Message)))))
}

describe('an attached file', () => {
  it('is read as it was written: inside, and behind links with hash, key and time', async () => {
    const files: Attached[] = [
      { name: 'a.txt', mediaType: 'text/plain', bytes: 3, content: base64url.encode(utf8('abc')) },
      {
        name: 'b',
        bytes: 3,
        linked: { urls: [LINK], hash, bytes: 200, key: await generateX25519Identity(), expires: 9 },
      },
    ]
    const written = files.map(attachmentOf)
    expect(overTheWire(written)).toEqual(files)
    // DIDComm v2.1: `hash` MUST be there with links; what it costs to fetch is what lies there.
    expect(written[1]).toMatchObject({ id: '2', filename: 'b', byte_count: 200, data: { links: [LINK], hash } })
  })

  it('of others is read, sealed or not, in any letters of its hash', () => {
    const multihashBytes = new Uint8Array([0x12, 0x20, ...digest])
    const spellings = [
      hash,
      `z${hash}`,
      hexadecimal.encode(multihashBytes),
      `f${hexadecimal.encode(multihashBytes)}`,
      `u${base64url.encode(multihashBytes)}`,
    ]
    for (const one of spellings) {
      expect(readHash(one)).toEqual(digest)
      const [found] = overTheWire([{ media_type: 'Image/PNG', byte_count: 7, data: { links: [LINK], hash: one } }])
      expect(found).toEqual({
        name: 'attachment',
        mediaType: 'image/png',
        bytes: 7,
        linked: { urls: [LINK], hash, bytes: 7 },
      })
    }
    expect(overTheWire([{ filename: 'x', data: { json: { a: 1 } } }])[0]?.bytes).toBe(7)
  })

  it('that nobody here can open is shown, and MUST NOT keep its message from being read', () => {
    const sealed = (ciphering: unknown) => ({ filename: '../x', ciphering, data: { links: [LINK], hash } })
    const strange = [
      { filename: '../x', data: { base64: '!' } },
      { filename: '../x', data: { links: [LINK], hash: 'QmNone' } },
      { filename: '../x', data: { links: [LINK], hash: base64url.encode(digest) } },
      sealed({ algorithm: 'aes-256-cbc', parameters: { key: '00', iv: '00' } }),
      sealed({ algorithm: 'age-encryption.org/v1', parameters: { key: 'AGE-SECRET-KEY-1' } }),
      sealed(null),
      sealed('age-encryption.org/v1'),
    ]
    for (const one of overTheWire(strange)) expect(one).toEqual({ name: 'x' })
  })

  it('of more than is kept of one message is shown by its name alone', () => {
    const large = { data: { base64: base64url.encode(systemRandom(150_000)) } }
    const found = attachedTo({
      attachments: ['a', 'b', 'c'].map((filename) => ({ filename, ...large })),
    } as unknown as Message)
    expect(found.map(({ content }) => content !== undefined)).toEqual([true, false, false])
    expect(found[1]).toEqual({ name: 'b' })
  })

  it('of any form is read without another error', () =>
    fc.assert(
      fc.property(
        fc.anything({ maxDepth: 3 }),
        fc.anything({ maxDepth: 2 }),
        fc.string(),
        (ciphering, expires_time, text) => {
          const attachments = [
            { filename: text, ciphering, expires_time, media_type: text, data: { links: [text, LINK], hash: text } },
            { description: text, data: { base64: text } },
          ]
          for (const { name } of attachedTo({ attachments } as unknown as Message)) expect(name).not.toBe('')
        },
      ),
    ))

  it('has no hash but SHA-256', () => {
    for (const text of ['', 'z', 'u', hexadecimal.encode(systemRandom(34)), `z${hash}x`, `1220${'g'.repeat(64)}`])
      expect(() => readHash(text)).toThrow()
  })
})
