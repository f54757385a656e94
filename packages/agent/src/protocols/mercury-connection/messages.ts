/**
 * The handshake of Identus (Atala PRISM) agents after an out-of-band invitation: a request that names the invitation as its
 * thread, and a response. They expect it before anything else.
 */
import { Fields, type JsonObject } from '@keystead/core'
import { MAX_LABEL } from '../../limits.ts'

export const MERCURY_REQUEST = 'https://atalaprism.io/mercury/connections/1.0/request'
export const MERCURY_RESPONSE = 'https://atalaprism.io/mercury/connections/1.0/response'

/** Both messages have the invitation's body. */
export function mercuryBody(label: string): JsonObject {
  return { goal_code: 'connect', goal: label.slice(0, MAX_LABEL), accept: ['didcomm/v2'] }
}

export function parseMercury(body: unknown): void {
  const fields = new Fields(body, 'body')
  for (const name of ['goal_code', 'goal']) fields.optional(name, (f, n) => f.string(n, { max: 200 }))
}
