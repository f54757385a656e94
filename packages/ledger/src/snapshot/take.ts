/** Takes snapshots into a folder, one sub-folder each, and reads their chunks. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Bytes } from '@keystead/core'
import { syncFolder, writeFileDurably } from '@keystead/crypto/key-file'
import { SNAPSHOT_CHUNK_BYTES } from '../limits.ts'
import { logRoot } from '../state/log-tree.ts'
import { mapRoot } from '../state/map-tree.ts'
import { hashesOf, nodesOf, type PinnedReader } from '../state/store.ts'
import { decodeMetadata, encodeMetadata, SNAPSHOT_FORMAT, type SnapshotMetadata } from './metadata.ts'
import { snapshotLines } from './records.ts'

export interface TakeOptions {
  /** A chunk is closed when it has this many bytes; every node of a network MUST use the same. */
  readonly chunkBytes?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: { chunks: number; bytes: number }) => void
}

/** Records between two turns of the event loop, so that a running node goes on. */
const RECORDS_A_TURN = 200

/**
 * Writes the state that `source` holds, of the block at `height`, to `<folder>/<height>`; what is there already stays. The
 * folder appears whole or not at all. Rejects with the signal's reason.
 */
export async function takeSnapshot(
  source: PinnedReader,
  at: { readonly net: string; readonly height: number; readonly logSize: number },
  folder: string,
  options: TakeOptions = {},
): Promise<SnapshotMetadata> {
  const target = join(folder, String(at.height))
  if (existsSync(target)) return readMetadata(folder, at.height)
  const partial = `${target}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true, mode: 0o700 })
  try {
    const chunks: Bytes[] = []
    for await (const chunk of chunksOf(source, options)) {
      options.signal?.throwIfAborted()
      writeFileDurably(join(partial, chunkName(chunks.length)), chunk)
      chunks.push(new Uint8Array(createHash('sha256').update(chunk).digest()))
      options.onProgress?.({ chunks: chunks.length, bytes: chunk.length })
    }
    const metadata: SnapshotMetadata = {
      v: SNAPSHOT_FORMAT,
      net: at.net,
      height: at.height,
      mapRoot: mapRoot(nodesOf(source)),
      logRoot: logRoot(hashesOf(source), at.logSize),
      logSize: at.logSize,
      chunks,
    }
    writeFileDurably(join(partial, 'metadata.json'), encodeMetadata(metadata))
    syncFolder(partial)
    renameSync(partial, target)
    syncFolder(folder)
    return metadata
  } catch (error) {
    rmSync(partial, { recursive: true, force: true })
    throw error
  }
}

async function* chunksOf(source: PinnedReader, options: TakeOptions): AsyncIterable<Buffer> {
  const limit = options.chunkBytes ?? SNAPSHOT_CHUNK_BYTES
  let lines: string[] = []
  let bytes = 0
  let records = 0
  for (const line of snapshotLines(source)) {
    lines.push(line)
    bytes += Buffer.byteLength(line)
    if (bytes >= limit) {
      yield Buffer.from(lines.join(''))
      lines = []
      bytes = 0
    }
    if (++records % RECORDS_A_TURN === 0) {
      await setImmediate()
      options.signal?.throwIfAborted()
    }
  }
  if (lines.length > 0) yield Buffer.from(lines.join(''))
}

/** Heights of the complete snapshots in a folder, newest first. */
export function snapshotHeights(folder: string): number[] {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder).filter((name) => /^[1-9]\d{0,15}$/.test(name))
  return names.map(Number).sort((a, b) => b - a)
}

/** Throws the system's error when there is none, errors of `decodeMetadata` when it is damaged. */
export function readMetadata(folder: string, height: number): SnapshotMetadata {
  return decodeMetadata(new Uint8Array(readFileSync(join(folder, String(height), 'metadata.json'))))
}

/** A chunk as it lies there, or `undefined`. */
export function readChunk(folder: string, height: number, index: number): Bytes | undefined {
  const file = join(folder, String(height), chunkName(index))
  return existsSync(file) ? new Uint8Array(readFileSync(file)) : undefined
}

/** Removes all but the newest snapshots, and what an interrupted one left behind. */
export function pruneSnapshots(folder: string, keep: number): void {
  if (!existsSync(folder)) return
  const kept = new Set(snapshotHeights(folder).slice(0, keep).map(String))
  for (const name of readdirSync(folder))
    if (!kept.has(name)) rmSync(join(folder, name), { recursive: true, force: true })
}

const chunkName = (index: number): string => `${String(index).padStart(5, '0')}.chunk`
