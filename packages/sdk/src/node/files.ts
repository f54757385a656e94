/** Files of this machine that are attached to messages, and where attached ones are saved: whole, or not at all. */
import { randomBytes } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { access, link, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { Readable } from 'node:stream'
import type { AttachmentSource, OpenedAttachment } from '@keystead/agent/edge'
import { KeysteadError } from '@keystead/core'

/** A few that receivers show by themselves; what a file is its name says, too. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.csv': 'text/csv',
  '.gif': 'image/gif',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.json': 'application/json',
  '.md': 'text/markdown',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain',
  '.webp': 'image/webp',
  '.zip': 'application/zip',
}

/** A file to attach. Rejects with `FILE_UNREADABLE`. */
export async function fileSource(path: string): Promise<AttachmentSource> {
  try {
    const found = await stat(path)
    if (!found.isFile()) throw Object.assign(new Error('not a file'), { code: 'no file' })
    await access(path, constants.R_OK)
    const mediaType = MEDIA_TYPES[extname(path).toLowerCase()]
    return {
      name: basename(path),
      ...(mediaType === undefined ? {} : { mediaType }),
      bytes: found.size,
      stream: () => Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>,
    }
  } catch (cause) {
    const reason = (cause as { code?: string }).code ?? 'failed'
    throw new KeysteadError('FILE_UNREADABLE', `${path} cannot be read (${reason})`, { cause })
  }
}

export interface SaveOptions {
  /** Put it in the place of a file that is there. */
  readonly overwrite?: boolean
  readonly signal?: AbortSignal
}

/** Where it would be saved: in a folder under its own name, else under the name given. Rejects with `FILE_EXISTS`. */
export async function placeFor({ name }: { readonly name: string }, to: string, overwrite = false): Promise<string> {
  const isFolder = (await stat(to).catch(() => undefined))?.isDirectory() === true
  const path = isFolder ? join(to, name) : to
  if (!overwrite && (await stat(path).catch(() => undefined))) throw exists(path)
  return path
}

/**
 * Writes it under a name of its own and gives it the right one when all of it was found good and is on disk. Resolves to the path;
 * rejects with `FILE_EXISTS`, `FOLDER_UNREADABLE`, or the reason why the file is not good: then nothing was written.
 */
export async function saveAttachment(
  opened: OpenedAttachment,
  to: string,
  { overwrite = false, signal }: SaveOptions = {},
): Promise<string> {
  const path = await placeFor(opened, to, overwrite)
  const unfinished = join(dirname(path), `.${randomBytes(8).toString('hex')}.part`)
  try {
    const file = await writable(path, unfinished)
    try {
      for await (const piece of opened.content) {
        signal?.throwIfAborted()
        await written(path, file.writeFile(piece))
      }
      await written(path, file.sync())
    } finally {
      await file.close()
    }
    if (overwrite) await written(path, rename(unfinished, path))
    else await nameIt(unfinished, path)
    await written(path, syncFolder(dirname(path)))
    return path
  } finally {
    await rm(unfinished, { force: true })
  }
}

/** A file's name is in its folder, which a power cut could take back to before. */
async function syncFolder(path: string): Promise<void> {
  // Windows neither can nor needs to sync a directory.
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  await folder.sync().finally(() => folder.close())
}

async function written(path: string, writing: Promise<void>): Promise<void> {
  try {
    await writing
  } catch (cause) {
    const full = (cause as { code?: string }).code === 'ENOSPC'
    if (full) throw new KeysteadError('DISK_FULL', `the disk has no room for ${path}`, { cause })
    throw new KeysteadError('FOLDER_UNREADABLE', `${path} cannot be written`, { cause })
  }
}

async function writable(path: string, unfinished: string): ReturnType<typeof open> {
  try {
    return await open(unfinished, 'wx', 0o600)
  } catch (cause) {
    const reason = (cause as { code?: string }).code ?? 'failed'
    throw new KeysteadError('FOLDER_UNREADABLE', `${dirname(path)} cannot be written to (${reason})`, { cause })
  }
}

/** The name is taken in one step, and never from a file, or a link, that somebody has put there meanwhile. */
async function nameIt(unfinished: string, path: string): Promise<void> {
  try {
    await link(unfinished, path)
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST') throw exists(path)
    // A file system without hard links: the name is taken by an empty file.
    const taken = await open(path, 'wx', 0o600).catch((cause: { code?: string }) => {
      throw cause.code === 'EEXIST' ? exists(path) : cause
    })
    await taken.close()
    await rename(unfinished, path)
  }
}

const exists = (path: string): KeysteadError =>
  new KeysteadError('FILE_EXISTS', `${path} is there already; nothing was overwritten`)
