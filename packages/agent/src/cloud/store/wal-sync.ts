/**
 * AGENCY-24: a commit is on disk before anybody is told. SQLite would wait for the disk itself (`synchronous = full`), and
 * all of the agency with it; here it writes its log, and we wait beside, in a thread of the system's. The same bytes are
 * synchronised at the same point. SQLite still does so itself where its log is copied into the database (`synchronous = normal`).
 */
import { type FileHandle, open } from 'node:fs/promises'
import { KeysteadError } from '@keystead/core'
import type { CloudErrorCode } from '../errors.ts'

export class WalSync {
  readonly #file: string
  #handle: FileHandle | undefined
  #failed: unknown

  /** `file`: the log beside the database. */
  constructor(file: string) {
    this.#file = file
  }

  /** Throws once a sync has failed: what a disk did not take then, it may pretend to have taken the next time. */
  check(): void {
    if (this.#failed !== undefined)
      throw new KeysteadError<CloudErrorCode>(
        'AGENCY_DISK_FULL',
        'the disk failed; the agency has to be started again',
        {
          cause: this.#failed,
        },
      )
  }

  /** Resolves when all that was committed before the call is on disk. */
  async done(): Promise<void> {
    try {
      // Windows flushes what is open for writing only.
      this.#handle ??= await open(this.#file, 'r+')
      await this.#handle.datasync()
    } catch (error) {
      this.#failed = error
      this.check()
    }
  }

  async close(): Promise<void> {
    await this.#handle?.close()
  }
}
