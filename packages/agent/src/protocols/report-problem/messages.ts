/** report-problem 2.0 (DIDComm v2.1, "Problem Reports"): a refusal the other side can read. */
import { Fields, type JsonObject } from '@keystead/core'

export const PROBLEM_REPORT = 'https://didcomm.org/report-problem/2.0/problem-report'

/** Our closed code travels as the last part of the problem code: `e.p.keystead.<code>`. */
export function problemBody(code: string, comment: string): JsonObject {
  return { code: `e.p.keystead.${code.toLowerCase().replaceAll('_', '-')}`, comment, args: [code] }
}

/** The code is ours only where it says so; otherwise `AGENCY_REFUSED`. */
export function parseProblem(body: unknown): { code: string; comment: string } {
  const fields = new Fields(body, 'body')
  const code = fields.string('code', { max: 200 })
  const comment = fields.optional('comment', (f, name) => f.string(name, { max: 1000 })) ?? ''
  const own = /^e\.p\.keystead\.([a-z-]{2,40})$/.exec(code)?.[1]
  return { code: own ? own.replaceAll('-', '_').toUpperCase() : 'AGENCY_REFUSED', comment: comment || code }
}
