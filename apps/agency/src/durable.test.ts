/** What an agency answered "accepted" survives `kill -9`, exactly once. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { agencyDescriptor, EdgeAgent, vaultPins } from '@keystead/agent/edge'
import { base64url, systemClock, systemRandom, utf8 } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { wrapForward } from '@keystead/didcomm'
import { fetchGenesis, LedgerClient } from '@keystead/light-client'
import { createVault, memoryVaultStore } from '@keystead/wallet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askAgency, post } from '../../../packages/agent/src/edge/agency-link.ts'
import { RECIPIENT_UPDATE } from '../../../packages/agent/src/protocols/mediation/messages.ts'
import { DELIVERY_REQUEST, MESSAGES_RECEIVED } from '../../../packages/agent/src/protocols/pickup/messages.ts'
import { attachmentBytes } from '../../../packages/didcomm/src/index.ts'
import { freePort } from '../../../scripts/free-port.ts'
import { System } from '../../../scripts/system.ts'

const home = mkdtempSync(join(tmpdir(), 'keystead-agency-'))
const keys = nodeKeyProvider()
let system: System
let agent: EdgeAgent

beforeAll(async () => {
  system = await System.start({
    home,
    ports: { ledger: await freePort(), agency: await freePort(), web: 0 },
    parts: ['ledger', 'agency'],
    profile: 'development',
    log: () => {},
  })
  const common = { keys, clock: systemClock, random: systemRandom }
  const vault = await createVault({ store: memoryVaultStore(), ...common }, { kind: 'raw', key: systemRandom(32) })
  const url = system.url('ledger')
  const genesis = await fetchGenesis(fetch, url)
  const ledger = new LedgerClient({ url, genesis, fetch, pins: vaultPins(vault, systemClock), clock: systemClock })
  agent = new EdgeAgent({ vault, ledger, fetch, ...common })
  await agent.addCloudAgent(await agencyDescriptor(fetch, system.url('agency')))
})

afterAll(async () => {
  await system?.stop()
  rmSync(home, { recursive: true, force: true })
})

describe('an agency that is killed while messages come in', () => {
  it('has every accepted message, once', async () => {
    const { edge } = agent
    const next = `did:peer:4${base64url.encode(systemRandom(32))}`
    await askAgency(edge, {
      type: RECIPIENT_UPDATE,
      body: { updates: [{ recipient_did: next, action: 'add' }] },
    })
    const { did, url } = (await agent.profile()).agency ?? { did: '', url: '' }
    const accepted: number[] = []
    const send = async (number: number): Promise<void> => {
      const options = { next, mediator: did, resolver: edge.resolver, random: systemRandom, ephemerals: keys }
      const bytes = await wrapForward(utf8(JSON.stringify({ number })), options)
      await post(edge, url, bytes).then(
        () => accepted.push(number),
        () => {},
      )
    }
    for (let round = 0; round < 3; round++) {
      let stop = false
      const sending = (async () => {
        for (let i = 0; !stop; i += 4) await Promise.all([0, 1, 2, 3].map((k) => send(round * 1e6 + i + k)))
      })()
      await new Promise((resolve) => setTimeout(resolve, 400))
      await system.killAndRestart('agency')
      stop = true
      await sending
    }
    const found: number[] = []
    for (;;) {
      const delivery = await askAgency(edge, { type: DELIVERY_REQUEST, body: { limit: 50 } })
      const attachments = delivery.attachments ?? []
      if (attachments.length === 0) break
      for (const attachment of attachments)
        found.push((JSON.parse(new TextDecoder().decode(attachmentBytes(attachment))) as { number: number }).number)
      await askAgency(edge, {
        type: MESSAGES_RECEIVED,
        body: { message_id_list: attachments.map(({ id }) => String(id)) },
      })
    }
    expect(accepted.length).toBeGreaterThan(20)
    expect(new Set(found).size).toBe(found.length)
    expect(accepted.filter((number) => !found.includes(number))).toEqual([])
  })
})
