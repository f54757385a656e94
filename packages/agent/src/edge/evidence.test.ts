import type { JsonObject } from '@keystead/core'
import { KeysteadError } from '@keystead/core'
import { issueCredential } from '@keystead/credentials'
import { encodeMultikey, keyDigest } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { describe, expect, test } from 'vitest'
import type { Edge } from './context.ts'
import { credentialContext } from './evidence.ts'

const NOW = Date.UTC(2026, 5, 1) / 1000
const DID = 'did:dkms:aaaaaaaaaaaaaaaa:issuer'

/** A wallet whose agency is at `agency`; notes what it is made to ask. */
async function wallet({ agency = 'https://own.example', web = true, ledger = 'knows' } = {}) {
  const key = await nodeKeyProvider().ephemeral({ kind: 'signing', suite: 'ed25519' })
  const kid = `${DID}#${keyDigest(key.publicKey)}`
  const asked: string[] = []
  const period = { k: encodeMultikey(key.publicKey), kid, purposes: ['assertionMethod'], from: 0 }
  const edge = {
    ports: {
      clock: { now: () => NOW * 1000 },
      fetch: async (url: string) => {
        asked.push(`fetch ${url}`)
        return new Response('', { status: 404 })
      },
      ...(web ? { web: async (url: string) => void asked.push(`web ${url}`) } : {}),
      ledger: {
        resolve: async () => {
          if (ledger !== 'knows') throw new KeysteadError('LEDGER_UNREACHABLE', 'away')
          return { state: {} }
        },
        history: async () => ({
          history: { keys: [period], anchors: [], openings: [], versions: [] },
          level: 'bft',
          at: { time: NOW },
        }),
      },
    },
    records: { get: async (category: string) => (category === 'profile' ? { agency: { url: agency } } : undefined) },
  } as unknown as Edge
  const credential = (list: string): Promise<JsonObject> =>
    issueCredential(
      {
        type: 'Employee',
        issuer: DID,
        subject: 'did:dkms:aaaaaaaaaaaaaaaa:holder',
        claims: {},
        validFrom: '2026-05-01T00:00:00Z',
        status: {
          type: 'BitstringStatusListEntry',
          statusPurpose: 'revocation',
          statusListIndex: '1',
          statusListCredential: list,
        },
      },
      key,
      kid,
    )
  return { edge, asked, credential }
}

describe('an address that a credential names', () => {
  test('is not asked for somebody who only claims to be the issuer', async () => {
    const { edge, asked, credential } = await wallet()
    const forged = { ...(await credential('https://issuer.example/list')), validFrom: '2026-05-02T00:00:00Z' }
    await credentialContext(edge, forged, undefined)
    expect(asked).toEqual([])
  })

  test('is asked where only public addresses are reached', async () => {
    const { edge, asked, credential } = await wallet()
    await credentialContext(edge, await credential('https://issuer.example/list'), undefined)
    expect(asked).toEqual(['web https://issuer.example/list'])
  })

  test('of plain http is not asked, nor anything that is no web address', async () => {
    const { edge, asked, credential } = await wallet({ ledger: 'away' })
    for (const url of ['http://169.254.169.254/latest/meta-data', 'file:///etc/passwd', 'data:,x', 'no address'])
      await credentialContext(edge, await credential(url), undefined)
    expect(asked).toEqual([])
  })

  test('is asked as ever at our own agency', async () => {
    const { edge, asked, credential } = await wallet({ agency: 'http://127.0.0.1:4100' })
    await credentialContext(edge, await credential('http://127.0.0.1:4100/v1/files/list'), undefined)
    expect(asked).toEqual(['fetch http://127.0.0.1:4100/v1/files/list'])
  })
})
