/** DIDComm messages of 256 bytes, beside the primitives they cannot do without and an implementation in Rust. */
import { systemRandom, utf8Decode } from '@keystead/core'
import type { AgreementKey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { type Message, pack, unpack } from '@keystead/didcomm'
import { Message as TheirMessage } from 'didcomm-node'
import { type Party, party, resolverOf } from '../../packages/didcomm/src/testing/parties.ts'
import { type Budget, type Comparison, compare, type Row } from '../measure.ts'
import { veramo } from '../peers/veramo.ts'
import { rawEnvelope } from '../raw.ts'

const area = 'didcomm'

export async function didcomm(budget: Budget): Promise<Row[]> {
  const [alice, bob] = [await party('alice', ['x25519'], 1), await party('bob', ['x25519'], 1)]
  const devices = await party('devices', ['x25519'], 10)
  const resolver = resolverOf(alice.document, bob.document, devices.document)
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
  // The secret of the two lasting keys is computed at the first message and kept; these compute it each time.
  const anew = (key: AgreementKey): AgreementKey => ({ ...key, agree: (peer) => key.agree(peer) })
  const first = { from: { ...from, key: anew(from.key) } }
  const firstAuth = (): Promise<Uint8Array> => pack(message, { ...common, ...first })
  const anon = (): Promise<Uint8Array> => pack(message, common)
  const open = { secrets: bob.secrets, resolver }
  const openFirst = { secrets: { agreementKey: async () => anew(bob.agreement.x25519.key) }, resolver }
  const [sealed, anonymous] = [await auth(), await anon()]
  const toTen = { ...message, to: [devices.did] }
  const ten = (): Promise<Uint8Array> => pack(toTen, { ...common, to: devices.did, from })
  const floor = (kind: 'auth' | 'anon', direction: 'pack' | 'unpack', recipients = 1) => ({
    name: 'the bare primitives',
    work: rawEnvelope(
      { lastingKeys: kind === 'auth', cipher: kind === 'auth' ? 'cbc' : 'xchacha', recipients },
      direction,
    ),
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
  const row = (what: string, ours: () => unknown, baseline: Comparison['baseline'], target?: number): Promise<Row> =>
    compare(budget, {
      area,
      what,
      ours,
      ...(baseline ? { baseline } : {}),
      ...(target === undefined ? {} : { target }),
    })
  const unpackAuth = (): Promise<unknown> => unpack(sealed, open)
  const unpackAnon = (): Promise<unknown> => unpack(anonymous, open)
  const node = { name: 'didcomm-node 0.4', pack: theirPack, unpack: theirUnpack }
  const peers = [node, ...(await veramo())]
  return [
    await row('authcrypt: pack', auth, floor('auth', 'pack'), 1.2),
    await row('authcrypt: unpack', unpackAuth, floor('auth', 'unpack'), 1.5),
    await row('authcrypt: pack, the first between two', firstAuth, floor('auth', 'pack')),
    await row('authcrypt: unpack, the first between two', () => unpack(sealed, openFirst), floor('auth', 'unpack')),
    await row('anoncrypt: pack', anon, floor('anon', 'pack'), 1.2),
    await row('anoncrypt: unpack', unpackAnon, floor('anon', 'unpack'), 1.5),
    await row('authcrypt to ten devices: pack', ten, floor('auth', 'pack', 10), 1.2),
    // The peers' distance from the same floor.
    ...(await inTurn(peers, (peer) => row(`${peer.name}, authcrypt: pack`, peer.pack, floor('auth', 'pack')))),
    ...(await inTurn(peers, (peer) => row(`${peer.name}, authcrypt: unpack`, peer.unpack, floor('auth', 'unpack')))),
  ]
}

async function inTurn<T>(items: readonly T[], work: (item: T) => Promise<Row>): Promise<Row[]> {
  const rows: Row[] = []
  for (const item of items) rows.push(await work(item))
  return rows
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
