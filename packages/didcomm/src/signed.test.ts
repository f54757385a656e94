/** Signatures and senders in every place others put their key ids. */
import { type Bytes, base64url, type JsonObject, systemRandom, utf8 } from '@keystead/core'
import { aes256CbcHs512, aesKwWrap, publicKeyToJwk } from '@keystead/crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { portableEphemerals } from './ephemeral.ts'
import { type Message, packPlaintext, unpack } from './index.ts'
import { recipientsDigest } from './jwe.ts'
import { ECDH_1PU, keyEncryptionKey, otherInfo } from './key-agreement.ts'
import { sign } from './signed.ts'
import { type Party, party, resolverOf } from './testing/parties.ts'

let alice: Party
let bob: Party
let eve: Party
let resolver: ReturnType<typeof resolverOf>
let message: Message

beforeAll(async () => {
  alice = await party('alice')
  bob = await party('bob')
  eve = await party('eve')
  resolver = resolverOf(alice.document, bob.document, eve.document)
  message = { id: '1', type: 'https://example.com/x/1.0/y', from: alice.did, to: [bob.did], body: {} }
})

const code = (bytes: Uint8Array) =>
  unpack(bytes, { secrets: bob.secrets, resolver }).then(
    () => 'opened',
    (error) => error.code,
  )

describe('where the signer stands', () => {
  test('kid in the protected header, in the other, or in both alike; general or flattened', async () => {
    const { kid, key } = alice.signing.ed25519
    const payload = base64url.encode(packPlaintext(message))
    for (const inner of [{ kid, typ: 'JWM' }, {}])
      for (const outer of [{ header: { kid } }, {}]) {
        const head = base64url.encode(utf8(JSON.stringify({ alg: 'EdDSA', ...inner })))
        const signature = base64url.encode(await key.sign(utf8(`${head}.${payload}`)))
        const one = { protected: head, signature, ...outer }
        const expected = 'kid' in inner || 'header' in outer ? 'opened' : 'BAD_MESSAGE'
        expect(await code(utf8(JSON.stringify({ payload, ...one })))).toBe(expected)
        expect(await code(utf8(JSON.stringify({ payload, signatures: [one] })))).toBe(expected)
        if ('kid' in inner)
          expect(await code(utf8(JSON.stringify({ payload, ...one, header: { kid: `${alice.did}#b` } })))).toBe(
            'BAD_MESSAGE',
          )
      }
  })

  test('every signature MUST hold and be of one DID', async () => {
    const [first, second, other] = await Promise.all(
      [alice.signing.ed25519, alice.signing.p256, eve.signing.p256].map(async (by) => {
        const signed = await sign(packPlaintext(message), by)
        return JSON.parse(new TextDecoder().decode(signed)) as { payload: string; signatures: JsonObject[] }
      }),
    )
    const join = (...signatures: (JsonObject | undefined)[]) =>
      utf8(JSON.stringify({ payload: first?.payload, signatures }))
    const [a, b, c] = [first, second, other].map((signed) => signed?.signatures[0])
    expect(await code(join(a, b))).toBe('opened')
    expect(await code(join(a, { ...b, signature: a?.['signature'] ?? '' }))).toBe('BAD_SIGNATURE')
    expect(await code(join(a, c))).toBe('BAD_MESSAGE')
    expect(await code(join())).toBe('BAD_MESSAGE')
  })
})

describe('where the sender stands', () => {
  /** Authcrypt with the given sender headers, made by hand as other software may. */
  async function authcrypt(headers: JsonObject, apu: Bytes): Promise<Bytes> {
    const { kid, key } = bob.agreement.p384
    const ephemeral = await portableEphemerals(systemRandom).ephemeral({ kind: 'agreement', suite: 'p384' })
    const apv = recipientsDigest([kid])
    const epk = { ...publicKeyToJwk(ephemeral.publicKey) }
    const header = { alg: ECDH_1PU, enc: 'A256CBC-HS512', apv: base64url.encode(apv), epk, ...headers }
    const head = base64url.encode(utf8(JSON.stringify(header)))
    const [contentKey, iv] = [systemRandom(64), systemRandom(16)]
    const { ciphertext, tag } = aes256CbcHs512.encrypt(contentKey, iv, utf8(head), packPlaintext(message))
    const agreements = [ephemeral, alice.agreement.p384.key].map((own) => ({ key: own, peer: key.publicKey }))
    const kek = await keyEncryptionKey(agreements, otherInfo(ECDH_1PU, { apu, apv, tag }), 'BAD_MESSAGE')
    return utf8(
      JSON.stringify({
        protected: head,
        recipients: [{ header: { kid }, encrypted_key: base64url.encode(aesKwWrap(kek, contentKey)) }],
        iv: base64url.encode(iv),
        ciphertext: base64url.encode(ciphertext),
        tag: base64url.encode(tag),
      }),
    )
  }

  test('in skid, in apu, or in both; not in neither, nor in apu that is no text', async () => {
    const skid = alice.agreement.p384.kid
    const apu = utf8(skid)
    expect(await code(await authcrypt({ skid, apu: base64url.encode(apu) }, apu))).toBe('opened')
    expect(await code(await authcrypt({ apu: base64url.encode(apu) }, apu))).toBe('opened')
    expect(await code(await authcrypt({ skid }, utf8('')))).toBe('opened')
    expect(await code(await authcrypt({}, utf8('')))).toBe('BAD_MESSAGE')
    expect(await code(await authcrypt({ apu: '_w' }, Uint8Array.of(255)))).toBe('BAD_MESSAGE')
  })
})
