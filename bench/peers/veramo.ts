/**
 * Veramo's DIDComm, where it is installed: `npm ci --prefix bench/peers --ignore-scripts` (93 MB, which nobody else should have to
 * load). Its authcrypt is of an earlier draft and opens for nobody but itself; what is compared is what it costs.
 */
export interface Peer {
  readonly name: string
  pack(): Promise<unknown>
  unpack(): Promise<unknown>
}

/** Its packages are typed by themselves alone; here they are not. */
// biome-ignore lint/suspicious/noExplicitAny: a package that is not installed has no types
type Loaded = any

/** None when it is not installed. */
export async function veramo(): Promise<Peer[]> {
  try {
    import.meta.resolve('@veramo/did-comm')
  } catch {
    return []
  }
  const load = (name: string): Promise<Loaded> => import(import.meta.resolve(name))
  const [{ createAgent }, { DIDComm }, manager, { PeerDIDProvider, getResolver }, { DIDResolverPlugin }, keys, local] =
    await Promise.all(
      [
        '@veramo/core',
        '@veramo/did-comm',
        '@veramo/did-manager',
        '@veramo/did-provider-peer',
        '@veramo/did-resolver',
        '@veramo/key-manager',
        '@veramo/kms-local',
      ].map(load),
    )
  const kms = { local: new local.KeyManagementSystem(new keys.MemoryPrivateKeyStore()) }
  const agent = createAgent({
    plugins: [
      new keys.KeyManager({ store: new keys.MemoryKeyStore(), kms }),
      new manager.DIDManager({
        providers: { 'did:peer': new PeerDIDProvider({ defaultKms: 'local' }) },
        store: new manager.MemoryDIDStore(),
        defaultProvider: 'did:peer',
      }),
      new DIDResolverPlugin(getResolver()),
      new DIDComm({ transports: [] }),
    ],
  })
  const options = { num_algo: 2, service: { id: '#1', type: 'DIDCommMessaging', serviceEndpoint: 'did:example:m' } }
  const [alice, bob] = [await agent.didManagerCreate({ options }), await agent.didManagerCreate({ options })]
  const message = {
    type: 'https://example.com/text/1.0/say',
    from: alice.did,
    to: [bob.did],
    id: '1',
    body: { text: 'x'.repeat(256) },
  }
  const pack = (): Promise<unknown> => agent.packDIDCommMessage({ packing: 'authcrypt', message })
  const packed = await pack()
  return [{ name: 'Veramo 7.0', pack, unpack: () => agent.unpackDIDCommMessage(packed) }]
}
