/** What a wake-up says: that an account has mail, by a name that tells nobody which. It carries no data and may get lost. */
import { createHash } from 'node:crypto'

export const accountKey = (account: string): string =>
  createHash('sha256').update(account).digest('base64url').slice(0, 22)

/** Listeners in this process. */
export class Announcements {
  readonly #listeners = new Set<(key: string) => void>()

  listen(listener: (key: string) => void): void {
    this.#listeners.add(listener)
  }

  tell(key: string): void {
    for (const listener of this.#listeners) listener(key)
  }
}
