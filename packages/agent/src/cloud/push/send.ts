/** One request to a push service, and what its answer means. */
import type { RequestDetails } from 'web-push'
import { postOutside } from '../outbound.ts'

/** `gone`: the subscription is over (RFC 8030, section 7.3: 404; in practice also 410). `later`: try again. */
export type PushAnswer = 'taken' | 'gone' | 'later' | 'refused'

/** Never rejects. */
export async function sendPush(
  { endpoint, headers, body }: RequestDetails,
  options: { anywhere?: boolean } = {},
): Promise<PushAnswer> {
  const status = await postOutside({ url: endpoint, headers: headers as Record<string, string>, body }, options)
  if (status === 'refused') return 'refused'
  if (status >= 200 && status < 300) return 'taken'
  if (status === 404 || status === 410) return 'gone'
  return status === 0 || status === 429 || status >= 500 ? 'later' : 'refused'
}
