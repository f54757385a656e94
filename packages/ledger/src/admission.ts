/**
 * Who may create a DID through this node (rule 15, NET-32). A node's own policy, checked when it takes a submission, from a
 * client or from a peer's mempool, and never by consensus: what one node refuses another may take, so that no sponsor can censor.
 */
import { type Clock, KeysteadError } from '@keystead/core'
import { type Submission, stampHolds, workDone } from '@keystead/did-dkms'
import type { LedgerErrorCode } from './errors.ts'
import { DEFAULT_WORK_BITS, SPONSOR_QUOTA_PER_DAY } from './limits.ts'

/** Where a node's processes find its policy, as `parseAdmissionPolicy` reads it. */
export const ADMISSION_VARIABLE = 'KEYSTEAD_LEDGER_ADMISSION'

export interface AdmissionPolicy {
  /** Throws `WORK_REQUIRED`, `STAMP_REQUIRED` or `QUOTA_SPENT`. Operations of DIDs that exist are always admitted. */
  check(submission: Submission): void
}

export const openAdmission: AdmissionPolicy = { check: () => {} }

/** `bits`: about 2^bits hashes for each DID. */
export function workAdmission(bits = DEFAULT_WORK_BITS): AdmissionPolicy {
  return {
    check: ({ operation, hash, admission }) => {
      if (operation.type !== 'genesis') return
      if (admission?.type === 'work' && workDone(hash, admission.nonce, bits)) return
      throw refusal('WORK_REQUIRED', `this node admits a new DID with a proof of work of ${bits} bits`, { bits })
    },
  }
}

/** `sponsors`: Ed25519 Multikeys, each with its own count of DIDs in a day. The count begins anew when the node does. */
export function stampAdmission(
  sponsors: readonly string[],
  clock: Clock,
  quotaPerDay = SPONSOR_QUOTA_PER_DAY,
): AdmissionPolicy {
  let day = 0
  let spent = new Map<string, Set<string>>()
  return {
    check: ({ operation, hash, admission }) => {
      if (operation.type !== 'genesis') return
      const now = Math.floor(clock.now() / 1000)
      const good =
        admission?.type === 'stamp' &&
        sponsors.includes(admission.k) &&
        admission.exp >= now &&
        stampHolds(admission, operation.net, hash)
      if (!good) throw refusal('STAMP_REQUIRED', 'this node admits a new DID with the stamp of one of its sponsors')
      const today = Math.floor(now / 86_400)
      if (today !== day) spent = new Map()
      day = today
      const stamped = spent.get(admission.k) ?? new Set()
      // The same operation again costs nothing: it can enter the log once only.
      if (stamped.size >= quotaPerDay && !stamped.has(hash))
        throw refusal('QUOTA_SPENT', 'this sponsor has stamped as many DIDs today as the node takes', {
          retryAt: (today + 1) * 86_400,
        })
      spent.set(admission.k, stamped.add(hash))
    },
  }
}

function refusal(code: LedgerErrorCode, message: string, details = {}): KeysteadError<LedgerErrorCode> {
  return new KeysteadError<LedgerErrorCode>(code, message, { details })
}

/** `open`, `work`, `work:<bits>`, or `stamp:<multikey>,...`. Throws `BAD_CONFIGURATION`. */
export function parseAdmissionPolicy(text: string, clock: Clock): AdmissionPolicy {
  const [kind, rest] = [text.split(':')[0], text.slice(text.indexOf(':') + 1)]
  if (text === 'open') return openAdmission
  if (text === 'work') return workAdmission()
  if (kind === 'work' && /^[1-9]\d?$/.test(rest) && Number(rest) <= 32) return workAdmission(Number(rest))
  if (kind === 'stamp' && rest.split(',').every((k) => /^z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/.test(k)))
    return stampAdmission(rest.split(','), clock)
  throw refusal('BAD_CONFIGURATION', 'an admission policy is "open", "work:<1 to 32 bits>" or "stamp:<multikey>,..."')
}
