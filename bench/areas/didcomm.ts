/** DIDComm messages of 256 bytes, beside the primitives they cannot do without and an implementation in Rust. */
import { systemRandom, utf8Decode } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { type Message, pack, unpack } from '@keystead/didcomm'
import { Message as TheirMessage } from 'didcomm-node'
import { type Party, party, resolverOf } from '../../packages/didcomm/src/testing/parties.ts'
import { type Budget, compare, type Row } from '../measure.ts'
import { rawAgreement } from '../raw.ts'

const area = 'didcomm'

export async function didcomm(budget: Budget): Promise<Row[]> {
  const [alice, bob] = [await party('alice', ['x25519']), await party('bob', ['x25519'])]
  const resolver = resolverOf(alice.document, bob.document)
  const ephemerals = nodeKeyProvider()
  const message: Message = {
    id: '1',
    type: 'https://example.com/text/1.0/say',
    from: alice.did,
    to: [bob.did],
    body: { text: 'x'.repeat(256) },
  }
  const common = { to: bob.did, resolver, random: systemRandom, ephemerals }
  const from = alice.agreement.x25519
  const auth = (): Promise<Uint8Array> => pack(message, { ...common, from })
  const anon = (): Promise<Uint8Array> => pack(message, common)
  const open = { secrets: bob.secrets, resolver }
  const [sealed, anonymous] = [await auth(), await anon()]
  const agreements = (count: number) => ({
    name: `${count} raw X25519`,
    work: () => {
      for (let i = 0; i < count; i++) rawAgreement()
    },
  })
  const other = theirs(alice, bob)
  const theirMessage = new TheirMessage({
    id: '1',
    typ: 'application/didcomm-plain+json',
    type: message.type,
    from: alice.did,
    to: [bob.did],
    body: message.body as never,
  } as never)
  const options = {
    enc_alg_auth: 'A256cbcHs512Ecdh1puA256kw',
    enc_alg_anon: 'A256cbcHs512EcdhEsA256kw',
    forward: false,
  }
  const theirPack = (): Promise<unknown> =>
    theirMessage.pack_encrypted(bob.did, alice.did, null, other.resolver, other.secrets, options as never)
  const theirSealed = utf8Decode(sealed)
  const theirUnpack = (): Promise<unknown> => TheirMessage.unpack(theirSealed, other.resolver, other.secrets, {})
  return [
    // Sender-authenticated: an ephemeral key pair and two agreements to pack, two to unpack.
    await compare(budget, { area, what: 'authcrypt: pack', ours: auth, baseline: agreements(3), target: 1.2 }),
    await compare(budget, {
      area,
      what: 'authcrypt: unpack',
      ours: () => unpack(sealed, open),
      baseline: agreements(2),
      target: 1.5,
    }),
    await compare(budget, { area, what: 'anoncrypt: pack', ours: anon, baseline: agreements(2), target: 1.2 }),
    await compare(budget, {
      area,
      what: 'anoncrypt: unpack',
      ours: () => unpack(anonymous, open),
      baseline: agreements(1),
      target: 1.5,
    }),
    await compare(budget, {
      area,
      what: 'authcrypt: pack, beside didcomm-node',
      ours: auth,
      baseline: { name: 'didcomm-node 0.4', work: theirPack },
    }),
    await compare(budget, {
      area,
      what: 'authcrypt: unpack, beside didcomm-node',
      ours: () => unpack(sealed, open),
      baseline: { name: 'didcomm-node 0.4', work: theirUnpack },
    }),
  ]
}

/** Parties as didcomm-node wants them. */
function theirs(...parties: Party[]) {
  const documents = parties.map(({ document, did, signing, jwks }) => ({
    id: did,
    keyAgreement: jwks.map(({ id }) => id).filter((id) => id.includes('#agree')),
    authentication: Object.values(signing).map(({ kid }) => kid),
    verificationMethod: document.verificationMethod as never[],
    service: [],
  }))
  const secrets = parties.flatMap(({ jwks }) =>
    jwks.map(({ id, jwk }) => ({ id, type: 'JsonWebKey2020' as const, privateKeyJwk: jwk })),
  )
  return {
    resolver: { resolve: async (did: string) => documents.find(({ id }) => id === did) ?? null },
    secrets: {
      get_secret: async (id: string) => secrets.find((secret) => secret.id === id) ?? null,
      find_secrets: async (ids: string[]) => ids.filter((id) => secrets.some((secret) => secret.id === id)),
    },
  }
}
