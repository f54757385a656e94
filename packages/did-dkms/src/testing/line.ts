/** A line of a drawn log, as text; `chain.ts` says what it means. */
import type { Quorums } from '../types.ts'

/** Where every drawn log begins, seconds since 1970. */
export const START = 1_800_000_000
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

export interface Line {
  readonly time: number
  readonly lost: number
  readonly type: string
  readonly members: ReadonlyMap<string, string>
  readonly by: readonly string[]
  /** The code of a refusal. */
  readonly refused?: string
  readonly checks: readonly string[]
  readonly text: string
}

export function seconds(text: string): number {
  const [, count, unit] = /^(\d+)([smhd])?$/.exec(text) ?? []
  if (count === undefined) throw new Error(`no time: ${text}`)
  return Number(count) * (UNITS[unit ?? 's'] ?? 1)
}

export function readLine(text: string): Line {
  const [sending = '', ...rest] = text.split(/\s(?=!\s|->\s)/)
  const [moves = '', signers = ''] = sending.split(/\sby\s/)
  const [when = '', type = '', ...members] = moves.trim().split(/\s+/)
  const map = new Map(members.map((member) => member.split(/=(.*)/s, 2) as [string, string]))
  const refused = rest
    .find((part) => part.startsWith('!'))
    ?.slice(1)
    .trim()
  const checks =
    rest
      .find((part) => part.startsWith('->'))
      ?.slice(2)
      .trim()
      .split(/\s+/) ?? []
  return {
    time: START + seconds(when),
    lost: seconds(map.get('lost') ?? '0'),
    type,
    members: map,
    by: signers.trim().split(/\s+/).filter(Boolean),
    ...(refused ? { refused } : {}),
    checks,
    text,
  }
}

export function listed(text: string): string[] {
  return text === '-' ? [] : text.split(',')
}

/** Names with their weights, and the threshold. */
export function weighted(text: string): [[string, number][], number] {
  const [keys = '', threshold = '1'] = text.split('/')
  const entries = keys.split(',').map((item): [string, number] => {
    const [name = '', weight = '1'] = item.split(':')
    return [name, Number(weight)]
  })
  return [entries, Number(threshold)]
}

export function quorumsOf(text: string): Quorums {
  return Object.fromEntries(listed(text).map((item) => [item.split(':')[0], Number(item.split(':')[1])]))
}
