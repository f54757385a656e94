/** Which version of a document is asked for (DID Resolution, `versionId` and `versionTime`), for methods that keep a log. */
import type { JsonObject } from '@keystead/core'
import { type ResolutionOptions, secondsOf } from './options.ts'

export interface Version {
  readonly versionId: string
  /** Seconds since 1970 from which on it stood. */
  readonly time: number
}

/** Place of the version among all, oldest first; the newest without options; -1 when there is none. */
export function chooseVersion(versions: readonly Version[], options: ResolutionOptions): number {
  const { versionId, versionTime } = options
  if (versionId !== undefined) return versions.findIndex((version) => version.versionId === versionId)
  if (versionTime === undefined) return versions.length - 1
  const at = secondsOf(versionTime)
  return versions.findLastIndex(({ time }) => time <= at)
}

/** What the document metadata say about a version and the one after it. */
export function versionMetadata(versions: readonly Version[], place: number): JsonObject {
  const [first, version, next] = [versions[0], versions[place], versions[place + 1]]
  if (!first || !version) return {}
  return {
    created: dateTime(first.time),
    ...(place > 0 ? { updated: dateTime(version.time) } : {}),
    versionId: version.versionId,
    ...(next ? { nextVersionId: next.versionId, nextUpdate: dateTime(next.time) } : {}),
  }
}

/** A datetime as DID Resolution has it: UTC, whole seconds. */
export function dateTime(seconds: number): string {
  return `${new Date(Math.floor(seconds) * 1000).toISOString().slice(0, 19)}Z`
}
