/** A folder of this machine that holds a backup: files are written whole or not at all, and are on disk when it is said so. */
import { existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { FolderPort } from '@keystead/agent/edge'
import { KeysteadError } from '@keystead/core'

export function folderPort(path: string): FolderPort {
  return {
    list: () => readable(path, async () => (existsSync(path) ? readdir(path) : [])),
    read: (name) => readable(path, () => readFile(join(path, name))),
    write: (name, bytes) =>
      readable(path, async () => {
        await mkdir(path, { recursive: true, mode: 0o700 })
        const unfinished = join(path, `${name}.part`)
        const file = await open(unfinished, 'w', 0o600)
        try {
          await file.writeFile(bytes)
          await file.sync()
        } finally {
          await file.close()
        }
        await rename(unfinished, join(path, name))
        const folder = await open(path)
        // The name is in the folder, which is a file of its own.
        await folder.sync().finally(() => folder.close())
      }),
    remove: (name) => readable(path, () => rm(join(path, name), { force: true })),
  }
}

async function readable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new KeysteadError(
      'FOLDER_UNREADABLE',
      `the folder ${path} cannot be used (${(cause as { code?: string }).code ?? 'failed'})`,
      { cause },
    )
  }
}
