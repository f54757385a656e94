/** Values that paper, contacts and agents keep for years: computed by other code than ours, never to change. */
import { base64url, hexadecimal } from '@keystead/core'
import { describe, expect, it } from 'vitest'
import { ceremonyCode, newDeviceCommitment } from './ceremony/code.ts'
import { kitLine, vetoDigest } from './kit.ts'
import { parseKit, renderKit } from './kit-text.ts'
import { locatorAccount } from './locator.ts'

const WORDS =
  'impulse calcium academic academic alcohol sugar lyrics pajamas column facility finance tension extend space birthday rainbow swimming purple syndrome facility trial warn duration snapshot shadow hormone rhyme public spine counter easy hawk album'
const LINE =
  'keystead-kit:1:eyJhZ2VuY2llcyI6WyJodHRwczovL2FnZW5jeS5leGFtcGxlIl0sImNoZWNrcG9pbnQiOnsiaGFzaCI6IkJBUUVCQVFFQkFRRUJBUUVCQVFFQkFRRUJBUUVCQVFFQkFRRUJBUUVCQVEiLCJoZWlnaHQiOjQyfSwiZ2VuZXNpcyI6IlFtTllRYlkzUFlZdE5LMXZBaE02aEVYbzNIRXhWQ2ZxZDlrWTFwc0pZN1NoMzgiLCJsb2NhdG9yIjoiQUFFQ0F3UUZCZ2NJQ1FvTERBME9EdyIsInYiOjEsInZldG8iOiJhYmNkZWZnaGlqa2xtbm9wIiwid29yZHMiOiJpbXB1bHNlIGNhbGNpdW0gYWNhZGVtaWMgYWNhZGVtaWMgYWxjb2hvbCBzdWdhciBseXJpY3MgcGFqYW1hcyBjb2x1bW4gZmFjaWxpdHkgZmluYW5jZSB0ZW5zaW9uIGV4dGVuZCBzcGFjZSBiaXJ0aGRheSByYWluYm93IHN3aW1taW5nIHB1cnBsZSBzeW5kcm9tZSBmYWNpbGl0eSB0cmlhbCB3YXJuIGR1cmF0aW9uIHNuYXBzaG90IHNoYWRvdyBob3Jtb25lIHJoeW1lIHB1YmxpYyBzcGluZSBjb3VudGVyIGVhc3kgaGF3ayBhbGJ1bSJ9UeZiqw'
const locator = Uint8Array.from({ length: 16 }, (_, index) => index)
const filled = (byte: number, length: number): string => base64url.encode(new Uint8Array(length).fill(byte))

describe('frozen for ever', () => {
  it('the machine line of a kit of format 1', () => {
    const kit = parseKit(LINE)
    expect(kit).toEqual({
      words: WORDS,
      locator,
      agencies: ['https://agency.example'],
      genesis: 'QmNYQbY3PYYtNK1vAhM6hEXo3HExVCfqd9kY1psJY7Sh38',
      checkpoint: { height: 42, hash: filled(4, 32) },
      veto: 'abcdefghijklmnop',
    })
    expect(kitLine(kit)).toBe(LINE)
  })

  it('the lines of a kit for people', () => {
    const text = renderKit(parseKit(LINE))
    expect(text.slice(0, text.indexOf(LINE))).toMatchInlineSnapshot(`
      "KEYSTEAD RECOVERY KIT, FORMAT 1

      Keep this sheet where you keep what you cannot replace, and show it to nobody. It is one half of a recovery: your
      contacts or your PIN are the other. If you hear of a recovery that is not yours, veto it from a device you still have.

       1. impulse      2. calcium      3. academic
       4. academic     5. alcohol      6. sugar
       7. lyrics       8. pajamas      9. column
      10. facility    11. finance     12. tension
      13. extend      14. space       15. birthday
      16. rainbow     17. swimming    18. purple
      19. syndrome    20. facility    21. trial
      22. warn        23. duration    24. snapshot
      25. shadow      26. hormone     27. rhyme
      28. public      29. spine       30. counter
      31. easy        32. hawk        33. album

      Locator: 0001 0203 0405 0607 0809 0a0b 0c0d 0e0f
      Agency: https://agency.example
      Network: QmNYQbY3PYYtNK1vAhM6hEXo3HExVCfqd9kY1psJY7Sh38
      Checkpoint: 42
      Checkpoint hash: 0404 0404 0404 0404 0404 0404 0404 0404 0404 0404 0404 0404 0404 0404 0404 0404
      Veto code: abcd efgh ijkl mnop
      Check: 51e662ab

      "
    `)
  })

  it('the digest of a veto code', () =>
    expect(vetoDigest('abcdefghijklmnop')).toBe('9_0BflFciNbCJVv_PIxXMq8VyfQF3iTRy8engLGBWlg'))

  it('the account at an agent', () =>
    expect(hexadecimal.encode(locatorAccount(locator, 'did:web:one.example'))).toBe(
      '3a98401f89f944eaceda37fc19706d7438d20844b4ed600e04fdb69a4db313fe',
    ))

  it('the commitment and the code of the ceremony', () => {
    const keys = { kem: 'z-kem', signing: 'z-sig' }
    expect(hexadecimal.encode(newDeviceCommitment(filled(1, 16), keys, filled(2, 32)))).toBe(
      'bc2741ef89c9b28c5fb5af29c1a33a9a6fb76b45c8348c03f41cd3eb06e0ccdc',
    )
    expect(ceremonyCode(filled(1, 16), keys, filled(2, 32), filled(3, 32))).toBe('53719975')
  })
})
