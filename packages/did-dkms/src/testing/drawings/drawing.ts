import type { LogEntry } from '../../log.ts'
import type { Asked } from '../reading.ts'

/** A rule shown by a log. The last line decides whether its vector is a valid or an invalid one. */
export interface Drawing {
  readonly rule: string
  readonly title: string
  readonly log: string
  /** Changes the last submission's text, for rules about the text itself. */
  readonly tamper?: (text: string) => string
  /** The vector names the document too. */
  readonly document?: true
  /** Only the last line is played, by a ledger that has nothing of this DID. */
  readonly alone?: true
  /** What a reader asks in the end, after `at`, perhaps of a forged log or leaf. */
  readonly read?: {
    readonly ask: Asked
    readonly at?: string
    readonly entries?: (entries: LogEntry[]) => LogEntry[]
    readonly leaf?: (text: string) => string
  }
}
