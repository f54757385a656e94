/** The ways back, as people call them. */
import type { PathId } from '@keystead/recovery'

export const WAYS: Readonly<Record<PathId, string>> = {
  'E+M': 'PIN and contacts in person',
  'E+P': 'PIN and kit',
  'E+S': 'PIN and contacts',
  'M+P': 'kit and contacts in person',
  'P+S': 'kit and contacts',
}
