/** Whether a release is what its maker released, and the newest (RELEASE-3). Pure: the history is proven, the files were read. */
import type { History } from '@keystead/did-dkms'
import { iso } from './output.ts'
import { differences, type Manifest, manifestRoot, type ReleaseFile } from './release-manifest.ts'

export interface ReleaseVerdict {
  /** When it was anchored, seconds since 1970; absent where it was not. */
  readonly anchored?: number
  /** Statements that its maker has made since. */
  readonly newer: number
  /** Sentences; none for a release that is good. */
  readonly wrong: readonly string[]
}

/** `now`: seconds since 1970, the ledger's. */
export function judgeRelease(
  manifest: Manifest,
  found: readonly ReleaseFile[],
  { anchors, state: { did, compromises } }: Pick<History, 'anchors' | 'state'>,
  now: number,
): ReleaseVerdict {
  const place = anchors.findIndex(({ root }) => root === manifestRoot(manifest))
  const anchor = anchors[place]
  if (!anchor)
    return { newer: 0, wrong: [`${did} has not anchored this statement: it is somebody else’s, or was changed`] }
  const { time } = anchor
  const newer = anchors.length - 1 - place
  const doubted = compromises.find(({ since, at }) => time >= since && time < at)
  const wrong = [
    ...(manifest.n === place + 1 ? [] : [`it says statement ${manifest.n}, and is number ${place + 1}`]),
    ...(doubted
      ? [`its maker’s keys may have been in other hands since ${iso(doubted.since)}: it may not be theirs`]
      : []),
    ...differences(manifest.files, found),
    ...(newer > 0 ? [`its maker has made ${newer} statement(s) since: get the newest`] : []),
    ...(newer === 0 && now > manifest.nextBy
      ? [`its maker was to speak again by ${iso(manifest.nextBy)}, and has not: something may be held back`]
      : []),
  ]
  return { anchored: time, newer, wrong }
}
