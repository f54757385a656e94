/** What all doors do around a request: ask the brakes before anything is opened, and count. */
import { type Bytes, isKeysteadError } from '@keystead/core'
import { type CloudAgent, refusal, type Session } from './agent.ts'
import type { Brakes } from './brakes.ts'
import type { Meter } from './metrics.ts'

export class Door {
  readonly agent: CloudAgent
  readonly #brakes: Brakes | undefined
  readonly #meter: Meter | undefined

  constructor(agent: CloudAgent, { brakes, meter }: { brakes?: Brakes | undefined; meter?: Meter | undefined } = {}) {
    this.agent = agent
    this.#brakes = brakes
    this.#meter = meter
  }

  /** Throws `TOO_MANY_REQUESTS` for an address that asked too much. */
  admit(address: string): void {
    if (this.#brakes && !this.#brakes.admits(address))
      throw refusal('TOO_MANY_REQUESTS', 'this address asks too much; wait a second')
  }

  /** A download is over: `whole`, `broken-off`, `size` where that alone was asked, or the code of its refusal. */
  downloaded(outcome: string, seconds: number): void {
    this.#meter?.request('attachment', outcome, seconds)
  }

  /** `CloudAgent.receive`, or `TOO_MANY_REQUESTS` for an address that asked too much. */
  async receive(bytes: Uint8Array, address: string, session?: Session): Promise<Bytes | undefined> {
    const started = performance.now()
    const door = session ? 'websocket' : 'http'
    let outcome = 'INTERNAL_ERROR'
    try {
      this.admit(address)
      const reply = await this.agent.receive(bytes, session)
      outcome = reply ? 'answered' : 'kept'
      return reply
    } catch (error) {
      if (isKeysteadError(error)) outcome = error.code
      throw error
    } finally {
      this.#meter?.request(door, outcome, (performance.now() - started) / 1000)
    }
  }
}
