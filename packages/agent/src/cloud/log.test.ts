import { FakeClock, seededRandom } from '@keystead/core'
import { describe, expect, it } from 'vitest'
import { jsonLog } from './log.ts'

function lines(...seeds: number[]): string[] {
  const written: string[] = []
  for (const seed of seeds) {
    const log = jsonLog((line) => written.push(line), { clock: new FakeClock(0), random: seededRandom(seed) })
    log('error', 'request failed', { reason: 'no key did:peer:2.Ez6LS.abc#key-1 of did:peer:2.Ez6LS.abc?x', count: 2 })
    log('info', 'draining')
  }
  return written
}

describe('the log', () => {
  it('is one JSON object a line, with time, level and event', () => {
    const [first = '', second = ''] = lines(1)
    expect(JSON.parse(second)).toEqual({ time: '1970-01-01T00:00:00.000Z', level: 'info', event: 'draining' })
    expect(JSON.parse(first)).toMatchObject({ level: 'error', event: 'request failed', count: 2 })
  })

  it('MUST NOT hold a DID; the same one has the same name until the next start, and another after', () => {
    const [first = '', , later = ''] = lines(1, 2)
    expect(first).not.toContain('did:')
    const names = (line: string): string[] => line.match(/did-[\w-]{10}/g) ?? []
    expect(names(first)).toHaveLength(2)
    expect(new Set(names(first)).size).toBe(1)
    expect(names(later)[0]).not.toBe(names(first)[0])
  })
})
