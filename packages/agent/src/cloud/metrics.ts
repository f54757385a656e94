/** Figures for the operator, as Prometheus reads them: counts and times by closed words, never by account or address. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { CloudStore } from './store/port.ts'

/** What the agency counts as it goes. */
export interface Meter {
  /** `outcome`: `kept` (a forward), `answered`, or the code of the refusal; of a download as `Door.downloaded` says. */
  request(door: 'http' | 'websocket' | 'attachment', outcome: string, seconds: number): void
  expired(messages: number): void
  pushed(answer: 'taken' | 'gone' | 'later' | 'refused'): void
}

export interface Metrics extends Meter {
  readonly contentType: string
  /** Prometheus' text format. Still answers while the database does not. */
  text(): Promise<string>
}

const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5]

export function agencyMetrics(store: CloudStore, sockets: () => number): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requests = new Counter({
    name: 'keystead_agency_requests_total',
    help: 'Messages taken, by door and outcome',
    labelNames: ['door', 'outcome'],
    registers,
  })
  const seconds = new Histogram({
    name: 'keystead_agency_request_seconds',
    help: 'From a message’s arrival to its answer, durable',
    labelNames: ['door'],
    buckets: SECONDS,
    registers,
  })
  const expired = new Counter({
    name: 'keystead_agency_messages_expired_total',
    help: 'Messages forgotten because nobody fetched them',
    registers,
  })
  const pushes = new Counter({
    name: 'keystead_agency_pushes_total',
    help: 'Wake-ups by what the push service answered',
    labelNames: ['answer'],
    registers,
  })
  const gauge = (name: string, help: string): Gauge => new Gauge({ name: `keystead_agency_${name}`, help, registers })
  const open = gauge('sockets', 'Open WebSockets')
  const accounts = gauge('accounts', 'Accounts that granted something')
  const messages = gauge('mail_messages', 'Messages that wait')
  const bytes = gauge('mail_bytes', 'Bytes that wait')
  const attachments = gauge('attachments', 'Attached files that are kept, unfinished uploads too')
  const attachmentBytes = gauge('attachment_bytes', 'Bytes of attached files, as announced')
  const database = gauge('database_up', '1 while the database answers')
  return {
    request: (door, outcome, took) => {
      requests.inc({ door, outcome })
      seconds.observe({ door }, took)
    },
    expired: (count) => expired.inc(count),
    pushed: (answer) => pushes.inc({ answer }),
    contentType: registry.contentType,
    text: async () => {
      open.set(sockets())
      try {
        const totals = await store.totals()
        accounts.set(totals.accounts)
        messages.set(totals.messages)
        bytes.set(totals.bytes)
        attachments.set(totals.attachments)
        attachmentBytes.set(totals.attachmentBytes)
        database.set(1)
      } catch {
        database.set(0)
      }
      return registry.metrics()
    },
  }
}
