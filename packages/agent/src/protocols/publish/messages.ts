/** `publish/1.0`: an owner who only dials out has the agency show a file, such as a status list, under a stable address. */
import { Fields } from '@keystead/core'

export const PUBLISH = 'https://keystead.dev/publish/1.0/publish'
export const PUBLISHED = 'https://keystead.dev/publish/1.0/published'

/** `name`: 16 random bytes, base64url, chosen by the owner; the first who uses it keeps it. */
export function parsePublish(body: unknown): { name: string; mediaType: string } {
  const f = new Fields(body, 'body')
  const parsed = {
    name: f.string('name', { min: 22, max: 22, pattern: /^[A-Za-z0-9_-]{22}$/ }),
    mediaType: f.literal('mediaType', 'application/vc', 'application/json'),
  }
  f.end()
  return parsed
}

/** Where it is shown. */
export function parsePublished(body: unknown): string {
  return new Fields(body, 'body').string('url', { min: 8, max: 2048 })
}
