/** report-problem 2.0 (DIDComm v2.1, "Problem Reports"): a refusal the other side can read. */
import { Fields, type JsonObject } from '@keystead/core'

export const PROBLEM_REPORT = 'https://didcomm.org/report-problem/2.0/problem-report'

/** Our closed code travels as the last part of the problem code: `e.p.keystead.<code>`. */
export function problemBody(code: string, comment: string): JsonObject {
  return { code: `e.p.keystead.${code.toLowerCase().replaceAll('_', '-')}`, comment, args: [code] }
}

/** A message of a type we do not know (descriptor `msg`: "use an unsupported version"); the message alone is rejected. */
export function unknownTypeBody(type: string): JsonObject {
  return { code: 'e.m.msg.unsupported', comment: 'Messages of the type {1} are not understood here.', args: [type] }
}

/**
 * `code` is ours only where it says so, otherwise `AGENCY_REFUSED`; `reported` is what stands there; `comment` with its
 * arguments filled in.
 */
export function parseProblem(body: unknown): { code: string; reported: string; comment: string } {
  const fields = new Fields(body, 'body')
  const reported = fields.string('code', { max: 200 })
  const comment = fields.optional('comment', (f, name) => f.string(name, { max: 1000 })) ?? ''
  const args = fields.optional('args', (f, name) => f.array(name, { max: 16 }, argument)) ?? []
  const own = /^e\.p\.keystead\.([a-z-]{2,40})$/.exec(reported)?.[1]
  return {
    code: own ? own.replaceAll('-', '_').toUpperCase() : 'AGENCY_REFUSED',
    reported,
    comment: comment.replaceAll(/\{(\d{1,2})\}/g, (_, n) => args[Number(n) - 1] ?? '?') || reported,
  }
}

/** Texts, and what has one spelling; what else a stranger puts there is shown as nothing. */
function argument(item: unknown): string {
  return ['string', 'number', 'boolean'].includes(typeof item) ? String(item).slice(0, 200) : '?'
}
