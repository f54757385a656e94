/** An account at an agency, without a wallet around it: what a test sends and gets is what is on the wire. */
import { agencyDescriptor, EdgeAgent } from '@keystead/agent/edge'
import { type Bytes, base64url, type JsonObject, systemClock, systemRandom } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { localResolver } from '@keystead/did'
import { type Message, wrapForward } from '@keystead/didcomm'
import type { LedgerClient } from '@keystead/light-client'
import { createVault, memoryVaultStore } from '@keystead/wallet'
import { askAgency, post } from '../../../../packages/agent/src/edge/agency-link.ts'
import { RECIPIENT_UPDATE } from '../../../../packages/agent/src/protocols/mediation/messages.ts'

/** These accounts use no did:dkms. */
const NO_LEDGER = { resolver: () => localResolver } as unknown as LedgerClient

export class Client {
  readonly agent: EdgeAgent
  readonly url: string
  readonly #did: string

  private constructor(agent: EdgeAgent, url: string, did: string) {
    this.agent = agent
    this.url = url
    this.#did = did
  }

  /** A new one, that has no agency yet. */
  static async wallet(): Promise<EdgeAgent> {
    const common = { keys: nodeKeyProvider(), clock: systemClock, random: systemRandom }
    const vault = await createVault({ store: memoryVaultStore(), ...common }, { kind: 'raw', key: systemRandom(32) })
    return new EdgeAgent({ vault, ledger: NO_LEDGER, fetch, ...common })
  }

  static async join(url: string, wallet?: EdgeAgent): Promise<Client> {
    const agent = wallet ?? (await Client.wallet())
    const agency = await agencyDescriptor(fetch, url)
    await agent.addCloudAgent(agency)
    return new Client(agent, url, agency.did)
  }

  ask(type: string, body: JsonObject): Promise<Message> {
    return askAgency(this.agent.edge, { type, body })
  }

  /** A new DID for which this account receives. */
  async recipient(): Promise<string> {
    const did = `did:peer:4${base64url.encode(systemRandom(32))}`
    await this.ask(RECIPIENT_UPDATE, { updates: [{ recipient_did: did, action: 'add' }] })
    return did
  }

  /** A forward as its sender packs it. */
  wrap(next: string, payload: Uint8Array): Promise<Bytes> {
    const { resolver, ports } = this.agent.edge
    return wrapForward(Uint8Array.from(payload), {
      next,
      mediator: this.#did,
      resolver,
      random: systemRandom,
      ephemerals: ports.keys,
    })
  }

  async forward(next: string, payload: Uint8Array): Promise<void> {
    await post(this.agent.edge, this.url, await this.wrap(next, payload))
  }
}
