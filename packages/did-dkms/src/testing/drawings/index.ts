import { AGENTS } from './agents.ts'
import { ATTACKS } from './attacks.ts'
import { AUTHORITY } from './authority.ts'
import type { Drawing } from './drawing.ts'
import { LIFECYCLE } from './lifecycle.ts'
import { OPERATIONS } from './operations.ts'
import { READINGS } from './readings.ts'
import { RECOVERY } from './recovery.ts'

export const DRAWINGS: readonly Drawing[] = [
  ...OPERATIONS,
  ...AUTHORITY,
  ...AGENTS,
  ...RECOVERY,
  ...LIFECYCLE,
  ...READINGS,
  ...ATTACKS,
]
