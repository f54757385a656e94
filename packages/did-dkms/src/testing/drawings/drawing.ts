/** A rule shown by a log. The last line decides whether its vector is a valid or an invalid one. */
export interface Drawing {
  readonly rule: string
  readonly title: string
  readonly log: string
  /** Changes the last submission's text, for rules about the text itself. */
  readonly tamper?: (text: string) => string
  /** The vector names the document too. */
  readonly document?: true
}
