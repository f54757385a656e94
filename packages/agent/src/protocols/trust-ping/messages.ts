/** trust-ping 2.0 (DIDComm v2.1, "Trust Ping Protocol 2.0"): is anybody there? */
import { Fields } from '@keystead/core'

export const PING = 'https://didcomm.org/trust-ping/2.0/ping'
export const PING_RESPONSE = 'https://didcomm.org/trust-ping/2.0/ping-response'

/** Whether an answer is wanted; it is unless the ping says otherwise. */
export function wantsPingResponse(body: unknown): boolean {
  return new Fields(body, 'body').optional('response_requested', (f, name) => f.boolean(name)) ?? true
}
