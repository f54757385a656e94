/** AGENT-5: a message on its way through several mediators, each of which sees the next one and nothing else. */
import { type JsonObject, systemRandom } from '@keystead/core'
import type { AgreementKey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { createDidPeer2, localResolver } from '@keystead/did'
import { type Message, parseForward, unpack } from '@keystead/didcomm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sendMessage } from '../../agent/src/edge/outbox.ts'
import { makeAccount } from '../../agent/src/edge/own-dids.ts'
import { put } from '../../agent/src/edge/store.ts'
import { PING } from '../../agent/src/protocols/trust-ping/messages.ts'
import { Network } from './network.ts'
import type { Person } from './person.ts'

const keys = nodeKeyProvider()
let network: Network
let sender: Person

beforeAll(async () => {
  network = await Network.open()
})
afterAll(() => network.close())
beforeEach(async () => {
  sender = await network.person('Sender')
})

/** A did:peer:2 with one agreement key, and what opens what is for it. */
async function party(endpoint?: JsonObject) {
  const key = await keys.fromSecret({ kind: 'agreement', suite: 'x25519' }, systemRandom(32))
  const signing = await keys.fromSecret({ kind: 'signing', suite: 'ed25519' }, systemRandom(32))
  const did = createDidPeer2(
    [
      { purpose: 'E', key: key.publicKey },
      { purpose: 'V', key: signing.publicKey },
    ],
    endpoint ? [{ type: 'DIDCommMessaging', serviceEndpoint: endpoint }] : [],
  )
  return { did, kid: `${did}#key-1`, open: (bytes: Uint8Array) => opened(bytes, key) }
}

async function opened(bytes: Uint8Array, key: AgreementKey): Promise<Message> {
  const secrets = { agreementKey: async (kid: string) => (kid.endsWith('#key-1') ? key : undefined) }
  return (await unpack(bytes, { secrets, resolver: localResolver })).message
}

/** What arrives at an address. */
function listen(url: string): Uint8Array[] {
  const arrived: Uint8Array[] = []
  network.wires.connect(url, async (request) => {
    arrived.push(new Uint8Array(await request.arrayBuffer()))
    return new Response(null, { status: 202 })
  })
  return arrived
}

/** From an account of the sender's, a DID like any other. */
async function send(to: string): Promise<void> {
  const { edge } = sender.agent
  const own = await makeAccount(edge)
  await edge.records.commit([put('own-did', own.did, own)])
  await sendMessage(edge, { id: 'hello', type: PING, from: own.did, to, body: {} })
}

describe('a chain of mediators', () => {
  it('is wrapped for the last first; each opens its own layer, learns the next, and the receiver the message', async () => {
    const arrived = listen('http://first.test')
    const [first, second] = [await party(), await party()]
    const endpoint = { uri: 'http://first.test/', accept: ['didcomm/v2'], routingKeys: [first.kid, second.kid] }
    const receiver = await party(endpoint)
    await send(receiver.did)
    expect(arrived).toHaveLength(1)
    const outer = parseForward(await first.open(arrived[0] as Uint8Array))
    expect(outer.next).toBe(second.kid)
    await expect(receiver.open(outer.payload)).rejects.toMatchObject({ code: 'DECRYPTION_FAILED' })
    const inner = parseForward(await second.open(outer.payload))
    expect(inner.next).toBe(receiver.did)
    expect((await receiver.open(inner.payload)).id).toBe('hello')
  })

  it('may begin at a mediator that is a DID: its keys come before all others', async () => {
    const arrived = listen('http://gate.test')
    const gate = await party({ uri: 'http://gate.test/', accept: ['didcomm/v2'], routingKeys: [] })
    const second = await party()
    const receiver = await party({ uri: gate.did, accept: ['didcomm/v2'], routingKeys: [second.kid] })
    await send(receiver.did)
    const outer = parseForward(await gate.open(arrived[0] as Uint8Array))
    expect(outer.next).toBe(second.kid)
    expect(parseForward(await second.open(outer.payload)).next).toBe(receiver.did)
  })
})
