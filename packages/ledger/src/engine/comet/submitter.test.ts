import { describe, expect, test } from 'vitest'
import { MAX_ENVELOPE_SUBMISSIONS, MAX_WAITING_OPERATIONS, RESERVED_WAITING_OPERATIONS } from '../../limits.ts'
import { decodeEnvelope } from './envelope.ts'
import { Submitter, type SubmitterPorts } from './submitter.ts'
import { ALREADY_WAITING, encodeVerdicts, type Verdict } from './verdict.ts'

/** A submission is one number here, which is its name; from `urgent` on it may use what is reserved. */
const bytesOf = (n: number): Uint8Array => Uint8Array.of(1, n >> 8, n & 255)
const nameOf = (bytes: Uint8Array): string => String(((bytes[1] as number) << 8) | (bytes[2] as number))
const receiptOf = (hash: string) => ({ hash, logIndex: Number(hash), time: 1, height: 1 })

function submitter(ports: Partial<SubmitterPorts> = {}, urgent = 60_000) {
  const log = new Set<string>()
  const sent: string[][] = []
  const own = new Submitter({
    admit: (bytes) => ({ hash: nameOf(bytes), reserved: Number(nameOf(bytes)) >= urgent }),
    broadcast: async (tx) => {
      sent.push(decodeEnvelope(tx).map(nameOf))
      return { code: 0, data: new Uint8Array(0) }
    },
    receipt: (hash) => (log.has(hash) ? receiptOf(hash) : undefined),
    inLog: (hash) => log.has(hash),
    log: () => {},
    ...ports,
  })
  return { own, log, sent }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('what waits at a validator', () => {
  test('is bounded, and a flood leaves room for what protects an owner (NET-31)', async () => {
    const { own } = submitter({ broadcast: () => new Promise(() => {}) })
    const most = MAX_WAITING_OPERATIONS - RESERVED_WAITING_OPERATIONS
    const waiting = Array.from({ length: most }, (_, n) => own.submit(bytesOf(n)))
    for (const one of waiting) one.catch(() => {})
    await expect(own.submit(bytesOf(most))).rejects.toMatchObject({ code: 'TOO_MANY_OPERATIONS' })
    const urgent = Array.from({ length: RESERVED_WAITING_OPERATIONS }, (_, n) => own.submit(bytesOf(60_000 + n)))
    for (const one of urgent) one.catch(() => {})
    await expect(own.submit(bytesOf(65_000))).rejects.toMatchObject({ code: 'TOO_MANY_OPERATIONS' })
    own.stop()
    const ends = await Promise.allSettled([...waiting, ...urgent])
    expect(ends.every((end) => end.status === 'rejected' && end.reason.code === 'LEDGER_STOPPING')).toBe(true)
  })

  test('travels together, each operation once, and is answered when the log has it', async () => {
    const { own, log, sent } = submitter()
    const first = own.submit(bytesOf(0))
    const again = own.submit(bytesOf(0))
    const waiting = [first, ...Array.from({ length: MAX_ENVELOPE_SUBMISSIONS }, (_, n) => own.submit(bytesOf(n + 1)))]
    await turn()
    expect(sent.map(({ length }) => length)).toEqual([MAX_ENVELOPE_SUBMISSIONS, 1])
    for (let n = 0; n <= MAX_ENVELOPE_SUBMISSIONS; n++) log.add(String(n))
    own.advanced(1)
    expect((await Promise.all(waiting)).map(({ logIndex }) => logIndex)).toEqual(waiting.map((_, n) => n))
    expect(await again).toEqual(receiptOf('0'))
  })

  test('of an envelope that is refused, what is good is sent again, and the rest told why', async () => {
    const answers: (readonly Verdict[])[] = [
      [null, { code: 'SEQ_MISMATCH', message: 'out of order' }, { code: ALREADY_WAITING, message: 'here already' }],
      [],
    ]
    const { own, log, sent } = submitter({
      broadcast: async (tx) => {
        sent.push(decodeEnvelope(tx).map(nameOf))
        const verdicts = answers[sent.length - 1] ?? []
        return { code: verdicts.length > 0 ? 1 : 0, data: encodeVerdicts(verdicts) as Uint8Array<ArrayBuffer> }
      },
    })
    const [good, bad, there] = [0, 1, 2].map((n) => own.submit(bytesOf(n)))
    await expect(bad).rejects.toMatchObject({ code: 'SEQ_MISMATCH' })
    await turn()
    expect(sent).toEqual([['0', '1', '2'], ['0']])
    for (const hash of ['0', '2']) log.add(hash)
    own.advanced(1)
    expect([await good, await there]).toEqual([receiptOf('0'), receiptOf('2')])
  })

  test('is sent again when CometBFT starts anew, and when it is in no block for long', async () => {
    const { own, sent } = submitter()
    own.submit(bytesOf(0)).catch(() => {})
    await turn()
    own.restarted()
    await turn()
    expect(sent).toHaveLength(2)
    for (let n = 0; n < 9; n++) own.advanced(1)
    await turn()
    expect(sent).toHaveLength(2)
    own.advanced(1)
    await turn()
    expect(sent).toHaveLength(3)
    own.stop()
  })

  test('is not refused once it is in the log, whatever is said of it', async () => {
    const { own, log } = submitter()
    const waiting = own.submit(bytesOf(0))
    await turn()
    log.add('0')
    own.refused([{ hash: '0', code: 'SEQ_MISMATCH', message: 'out of order' }])
    own.advanced(1)
    expect(await waiting).toEqual(receiptOf('0'))
  })
})
