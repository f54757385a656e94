/** Measuring: ours and its baseline turn about in one run, so that a busy machine slows both; medians, and their ratio. */

export interface Row {
  readonly area: string
  readonly what: string
  readonly value: number
  readonly unit: string
  /** What the ratio is to. */
  readonly baseline: string | null
  /** Ours over the baseline, in time: below 1 is faster than it. */
  readonly ratio: number | null
  readonly target: number | null
}

export interface Budget {
  readonly rounds: number
  readonly millisecondsARound: number
}

export const FULL: Budget = { rounds: 9, millisecondsARound: 200 }
export const QUICK: Budget = { rounds: 3, millisecondsARound: 25 }

export type Work = () => unknown

export interface Comparison {
  readonly area: string
  readonly what: string
  readonly ours: Work
  readonly baseline?: { readonly name: string; readonly work: Work }
  readonly target?: number
}

/** One row: microseconds an operation, and the ratio to the baseline. */
export async function compare(budget: Budget, { area, what, ours, baseline, target }: Comparison): Promise<Row> {
  const mine: number[] = []
  const theirs: number[] = []
  await timed(ours, budget.millisecondsARound / 4)
  if (baseline) await timed(baseline.work, budget.millisecondsARound / 4)
  for (let round = 0; round < budget.rounds; round++) {
    mine.push(await timed(ours, budget.millisecondsARound))
    if (baseline) theirs.push(await timed(baseline.work, budget.millisecondsARound))
  }
  const value = median(mine)
  return {
    area,
    what,
    value,
    unit: 'us',
    baseline: baseline?.name ?? null,
    ratio: baseline ? value / median(theirs) : null,
    target: target ?? null,
  }
}

/** Microseconds an operation, over at least this long. */
async function timed(work: Work, milliseconds: number): Promise<number> {
  const start = process.hrtime.bigint()
  const end = start + BigInt(Math.ceil(milliseconds * 1e6))
  let runs = 0
  let now = start
  do {
    const made = work()
    if (made instanceof Promise) await made
    runs++
    now = process.hrtime.bigint()
  } while (now < end)
  return Number(now - start) / 1000 / runs
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}
