/**
 * `own-devices/1.0`, recovery of what another device makes (CREDENTIAL-22): from the device that holds the authority, and so has set up
 * recovery, the public keys of the paths to which the others seal recovery keys of their own.
 *
 *   recovery-paths { epoch, paths }
 */
import { Fields } from '@keystead/core'
import { MAX_DELAY_SECONDS, PATH_IDS, type PathId } from '@keystead/recovery'
import { multikeyOf, PROTOCOL } from './messages.ts'

export const RECOVERY_PATHS = `${PROTOCOL}/recovery-paths`

export interface ToldPaths {
  readonly epoch: number
  /** `kem`: X-Wing Multikey. */
  readonly paths: readonly { readonly id: PathId; readonly delay: number; readonly kem: string }[]
}

export function parseRecoveryPaths(body: unknown): ToldPaths {
  const f = new Fields(body, 'body')
  const epoch = f.integer('epoch', { min: 1, max: Number.MAX_SAFE_INTEGER })
  const paths = f.array('paths', { min: 1, max: PATH_IDS.length }, (item, path) => {
    const p = new Fields(item, path)
    const told = {
      id: p.literal('id', ...PATH_IDS),
      delay: p.integer('delay', { min: 0, max: MAX_DELAY_SECONDS }),
      kem: p.decoded('kem', MAX_KEM, (text) => multikeyOf('x-wing', text)),
    }
    p.end()
    return told
  })
  f.end()
  return { epoch, paths }
}

/** Characters of an X-Wing key as Multikey. */
const MAX_KEM = 2048
