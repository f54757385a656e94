/** Older versions of a document (DID Resolution 0.3, section 4.1: `versionId`, `versionTime`), from a verified history (DKMS-32). */
import type { JsonObject } from '@keystead/core'
import { type DidDocument, type ResolutionOptions, secondsOf } from '@keystead/did'
import { deriveDocument, documentMetadata, iso, versionIdOf } from './document.ts'
import type { History, HistoryVersion } from './history.ts'

export interface ResolvedVersion {
  readonly document: DidDocument
  /** As `documentMetadata`, with `nextUpdate` and `nextVersionId` where there is a later version; `bodyErased` where it is gone. */
  readonly metadata: JsonObject
}

/** `versionTime`: seconds since 1970. Both are exclusive; without either the newest. */
export type VersionQuery =
  | { readonly versionId: string; readonly versionTime?: never }
  | { readonly versionTime: number; readonly versionId?: never }
  | { readonly versionId?: never; readonly versionTime?: never }

/** Throws `INVALID_OPTIONS` for a `versionTime` that is none. */
export function versionQuery({
  versionId,
  versionTime,
}: Pick<ResolutionOptions, 'versionId' | 'versionTime'>): VersionQuery {
  if (versionId !== undefined) return { versionId }
  return versionTime === undefined ? {} : { versionTime: secondsOf(versionTime) }
}

/** Null where there is no such version: an unknown id, or a time before the DID was registered. */
export function resolveVersion(history: Pick<History, 'versions'>, query: VersionQuery): ResolvedVersion | null {
  const versions = documentVersions(history.versions)
  const index = indexOf(versions, query)
  const version = versions[index]
  if (!version) return null
  const next = versions[index + 1]
  const { state, body, lost } = version
  const erased = state.status === 'active' && body === undefined
  return {
    document: deriveDocument(state, body),
    metadata: {
      ...documentMetadata(state, lost),
      ...(next ? { nextUpdate: iso(next.from), nextVersionId: versionIdOf(next.state) } : {}),
      ...(erased ? { bodyErased: true } : {}),
    },
  }
}

/** One for each version id: delays that change something else than the document are part of the version they fall into. */
function documentVersions(all: readonly HistoryVersion[]): HistoryVersion[] {
  return all.filter((version, index) => {
    const before = all[index - 1]
    return !before || versionIdOf(before.state) !== versionIdOf(version.state)
  })
}

function indexOf(versions: readonly HistoryVersion[], { versionId, versionTime }: VersionQuery): number {
  if (versionId !== undefined) return versions.findIndex(({ state }) => versionIdOf(state) === versionId)
  if (versionTime === undefined) return versions.length - 1
  return versions.findLastIndex(({ from }) => from <= versionTime)
}
