/** The wires between the parts: `fetch` without sockets, that can be cut, watched and lied on. */
import type { FetchPort } from '@keystead/light-client'

/** What a server does with a request. */
export type Server = (request: Request) => Response | Promise<Response>

/** Changes or swallows an answer on its way; undefined lets it pass. */
export type Tamper = (request: { url: string; body: Uint8Array }, answer: Uint8Array) => Uint8Array | undefined

export class Wires {
  readonly #servers = new Map<string, Server>()
  readonly #cut = new Set<string>()
  #tamper: Tamper | undefined
  #roundTrip = 0
  #breaks: { left: number; lost: 'request' | 'answer' } | undefined

  connect(origin: string, server: Server): void {
    this.#servers.set(origin, server)
  }

  /** Nobody reaches this origin until it is mended. */
  cut(origin: string): void {
    this.#cut.add(origin)
  }

  mend(origin: string): void {
    this.#cut.delete(origin)
  }

  /**
   * Everything is cut after so many requests more; of the next one the request is lost, or its answer, which the server has given.
   * Undefined mends. True where it came to that.
   */
  breakAfter(requests: number | undefined, lost: 'request' | 'answer' = 'request'): boolean {
    const broke = this.#breaks !== undefined && this.#breaks.left < 0
    this.#breaks = requests === undefined ? undefined : { left: requests, lost }
    return broke
  }

  /** Every request takes so many milliseconds of real time, there and back. */
  slow(roundTrip: number): void {
    this.#roundTrip = roundTrip
  }

  /** Puts somebody between the wallets and the servers, or takes them away. */
  tamper(tamper: Tamper | undefined): void {
    this.#tamper = tamper
  }

  /** As a browser or another program asks, with everything that the server answers. */
  async browse(url: string, accept: string): Promise<Response> {
    const server = this.#servers.get(new URL(url).origin)
    if (!server) throw new TypeError('fetch failed')
    return server(new Request(url, { headers: { accept } }))
  }

  readonly fetch: FetchPort = async (url, init = {}) => {
    const { origin } = new URL(url)
    const server = this.#servers.get(origin)
    if (!server || this.#cut.has(origin)) throw new TypeError('fetch failed')
    const broken = this.#breaks !== undefined && --this.#breaks.left < 0
    if (broken && (this.#breaks?.lost === 'request' || (this.#breaks?.left ?? 0) < -1))
      throw new TypeError('fetch failed')
    if (this.#roundTrip > 0) await new Promise((resolve) => setTimeout(resolve, this.#roundTrip))
    const { method, headers, body } = init
    const request = new Request(url, {
      ...(method === undefined ? {} : { method }),
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined ? {} : { body }),
    })
    const response = await server(request)
    const answer = new Uint8Array(await response.arrayBuffer())
    if (broken) throw new TypeError('fetch failed')
    const changed = this.#tamper?.({ url, body: body ?? new Uint8Array() }, answer) ?? answer
    return { status: response.status, arrayBuffer: async () => new Uint8Array(changed).buffer }
  }
}
