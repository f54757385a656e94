/**
 * Newest answers by text, between half of `max` and `max` of them; the oldest go, for strangers can send new texts without end. Two
 * generations, since a map that loses its oldest entry again and again is slow to find it. Answers are shared: never change one.
 */
export class Newest<T> {
  readonly #half: number
  #young = new Map<string, T>()
  #old: ReadonlyMap<string, T> = this.#young

  constructor(max: number) {
    this.#half = Math.ceil(max / 2)
  }

  get(text: string): T | undefined {
    const young = this.#young.get(text)
    if (young !== undefined) return young
    const old = this.#old.get(text)
    if (old !== undefined) this.set(text, old)
    return old
  }

  set(text: string, answer: T): void {
    if (this.#young.size >= this.#half) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(text, answer)
  }
}

/** A pure function of text that remembers its newest answers, at most `max`; what throws is not remembered. */
export function remembering<T>(max: number, compute: (text: string) => T): (text: string) => T {
  const answers = new Newest<T>(max)
  return (text) => {
    const known = answers.get(text)
    if (known !== undefined) return known
    const answer = compute(text)
    answers.set(text, answer)
    return answer
  }
}
