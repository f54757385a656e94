/** RELAY-3, RELAY-4: what a relay carries back, and how much it has in hand. */
import { FakeClock, systemRandom, utf8 } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { createDidPeer2, localResolver } from '@keystead/did'
import { ENCRYPTED_MEDIA_TYPE, pack } from '@keystead/didcomm'
import { beforeAll, describe, expect, it } from 'vitest'
import { MAX_RELAYS_IN_HAND, MAX_RELAYS_OF_ACCOUNT } from '../limits.ts'
// Handlers and agent need each other: the whole is loaded first.
import { Relay } from './index.ts'
import type { OutsideAnswer } from './outbound.ts'

let to: string
let message: Uint8Array

beforeAll(async () => {
  const key = await nodeKeyProvider().ephemeral({ kind: 'agreement', suite: 'x25519' })
  const serviceEndpoint = { uri: 'https://b.example/', accept: ['didcomm/v2'], routingKeys: [] }
  to = createDidPeer2([{ purpose: 'E', key: key.publicKey }], [{ type: 'DIDCommMessaging', serviceEndpoint }])
  const question = { id: '1', type: 'https://example.org/question/1.0/ask', body: {} }
  message = await pack(question, { to, resolver: localResolver, random: systemRandom })
})

const relay = (ask: () => Promise<OutsideAnswer | 'refused' | undefined>): Relay =>
  new Relay({ did: 'did:peer:2own', resolver: localResolver, clock: new FakeClock(0), anywhere: false, ask })

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  )

describe('a relay', () => {
  const good: OutsideAnswer = { status: 200, type: ENCRYPTED_MEDIA_TYPE, bytes: utf8('{}') }

  it.each<[string, OutsideAnswer | 'refused' | undefined, unknown]>([
    ['what is encrypted to somebody', good, 'done'],
    ['no page of another host', { ...good, type: 'text/html' }, 'RELAY_SILENT'],
    ['no refusal', { ...good, status: 400 }, 'RELAY_SILENT'],
    ['no redirect', { ...good, status: 307 }, 'RELAY_SILENT'],
    ['nothing for nothing', { ...good, bytes: new Uint8Array(0) }, 'RELAY_SILENT'],
    ['no silence as an answer', undefined, 'RELAY_SILENT'],
    ['nothing from its own network', 'refused', 'RELAY_REFUSED'],
  ])('carries back %s', async (_, answer, expected) => {
    expect(await code(relay(async () => answer).carry('a', to, message))).toBe(expected)
  })

  it.each(['any text', '{}', '{"ciphertext":"AA"}', '{"id":"1","type":"https://example.org/a/1.0/b","body":{}}'])(
    'carries no %s: only what is encrypted to somebody',
    async (text) => {
      let asked = 0
      const one = relay(async () => {
        asked++
        return good
      })
      expect(await code(one.carry('a', to, utf8(text)))).toBe('RELAY_REFUSED')
      expect(asked).toBe(0)
    },
  )

  it('has a bounded number in hand, of one account and of all, and room again when they are over', async () => {
    let over: (answer: OutsideAnswer) => void = () => {}
    const held = new Promise<OutsideAnswer>((resolve) => {
      over = resolve
    })
    const one = relay(() => held)
    const carry = (account: string): Promise<unknown> => code(one.carry(account, to, message))
    const all: Promise<unknown>[] = []
    for (let account = 0; account < MAX_RELAYS_IN_HAND / MAX_RELAYS_OF_ACCOUNT; account++) {
      for (let n = 0; n < MAX_RELAYS_OF_ACCOUNT; n++) all.push(carry(String(account)))
      expect(await carry(String(account))).toBe('TOO_MANY_REQUESTS')
    }
    expect(await carry('another')).toBe('TOO_MANY_REQUESTS')
    over(good)
    expect(new Set(await Promise.all(all))).toEqual(new Set(['done']))
    expect(await carry('another')).toBe('done')
    expect(await carry('0')).toBe('done')
  })
})
