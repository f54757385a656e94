/** One build of the page: its files and their digests (PAGE-1). */
export interface Build {
  readonly version: string
  /** SHA-256 of `build.json`, hexadecimal: the name of all of it. */
  readonly hash: string
  readonly files: readonly { readonly path: string; readonly type: string; readonly hash: string }[]
  /** What each answer says about itself, the content security policy among it. */
  readonly headers: Readonly<Record<string, string>>
}

/** What a worker says of the build that it keeps. */
export type Which = Pick<Build, 'version' | 'hash'>

/** What the page tells a worker: say which build you keep, or take over now. */
export type Told = 'which' | 'take-over'

/** Less than 0 where the first is the older one: versions are numbers with dots between. */
export function compareVersions(one: string, other: string): number {
  const [a, b] = [one, other].map((version) => version.split('.').map(Number))
  for (let n = 0; n < Math.max(a?.length ?? 0, b?.length ?? 0); n++) {
    const difference = (a?.[n] ?? 0) - (b?.[n] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
