/** What the story prints, and how it insists. */

export interface Teller {
  step(number: string, title: string): void
  line(text: string): void
}

export function teller(write: (text: string) => void): Teller {
  const started = Date.now()
  const seconds = (): string => `${((Date.now() - started) / 1000).toFixed(1)} s`.padStart(8)
  return {
    step: (number, title) => write(`\n${seconds()}  ${number}. ${title}`),
    line: (text) => write(`              ${text}`),
  }
}

/** Throws what the story ends with when something does not hold. */
export function holds(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`does not hold: ${what}`)
}

export function same(actual: unknown, expected: unknown, what: string): void {
  if (actual !== expected)
    throw new Error(`does not hold: ${what}\n  expected ${String(expected)}\n  found    ${String(actual)}`)
}

export function brief(text: unknown): string {
  const full = String(text)
  return full.length <= 48 ? full : `${full.slice(0, 30)}...${full.slice(-12)}`
}

export const pause = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000))
