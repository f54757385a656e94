/** Whether a process's memory is flat. */
import { readFileSync } from 'node:fs'

/** Part of a run before memory is looked at: compilation, caches and pools fill. */
export const WARM_UP = 0.3
/** Growth over the rest of the run, as part of the memory in use. */
export const MAX_GROWTH = 0.1

export interface Sample {
  readonly seconds: number
  readonly megabytes: number
}

/** What is in use, by what a process says with `--trace-gc`: the heap after each full collection. */
export function liveHeap(said: readonly string[]): Sample[] {
  return said.flatMap((line) => {
    const [, milliseconds, megabytes] = /(\d+) ms: Mark-Compact.*?-> ([\d.]+) \(/.exec(line) ?? []
    return milliseconds === undefined ? [] : [{ seconds: Number(milliseconds) / 1000, megabytes: Number(megabytes) }]
  })
}

/** Bytes of a process that are its own. */
export function residentMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1]) * 1024
}

/** After the warm-up, by a straight line through the samples: rise over their time, as part of their mean. */
export function growthAfterWarmUp(all: readonly Sample[], minutes: number): number {
  const samples = all.filter(({ seconds }) => seconds >= minutes * 60 * WARM_UP)
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [x, y] = [mean(samples.map(({ seconds }) => seconds)), mean(samples.map(({ megabytes }) => megabytes))]
  const slope =
    samples.reduce((sum, one) => sum + (one.seconds - x) * (one.megabytes - y), 0) /
    samples.reduce((sum, one) => sum + (one.seconds - x) ** 2, 0)
  const span = (samples.at(-1)?.seconds ?? 0) - (samples[0]?.seconds ?? 0)
  return (slope * span) / y
}
