/** Times as documents write them: XML Schema dateTimeStamp, always with a zone (VCDM 2.0, section 4.9). */

const PATTERN = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** Seconds since 1970, or undefined for what is no time, 30 February included. */
export function secondsOf(text: string): number | undefined {
  const [, day] = PATTERN.exec(text) ?? []
  const milliseconds = Date.parse(text)
  if (day === undefined || Number.isNaN(milliseconds)) return undefined
  return new Date(Date.parse(`${day}T00:00:00Z`)).toISOString().startsWith(day) ? milliseconds / 1000 : undefined
}

export function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
