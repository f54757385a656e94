/** A pure function of text that remembers its newest answers, at most `max`; what throws is not remembered. Answers are shared: never change one. */
export function remembering<T>(max: number, compute: (text: string) => T): (text: string) => T {
  const answers = new Map<string, T>()
  return (text) => {
    const known = answers.get(text)
    if (known !== undefined) return known
    const answer = compute(text)
    // The oldest goes: strangers can send new texts without end.
    if (answers.size >= max) answers.delete(answers.keys().next().value as string)
    answers.set(text, answer)
    return answer
  }
}
