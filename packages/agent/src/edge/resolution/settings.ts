/** RESOLVE-8: whom this wallet asks about DIDs of others. Nothing said: the ledger node. */
import { Fields, isKeysteadError } from '@keystead/core'
import { MAX_RECIPIENT_DID, MAX_RESOLVERS } from '../../limits.ts'
import { type Edge, fault } from '../context.ts'

export interface ResolutionSettings {
  /** Agencies of other operators, by DID. Never empty. */
  readonly resolvers: readonly string[]
  /** Whether the ledger node is asked, who then learns the DID, when none of them answers. */
  readonly openly: boolean
}

/** Rejects with `NO_RESOLVER` for a setting that cannot be read: to ask openly then would be to say what the owner wanted kept. */
export async function resolutionSettings(edge: Pick<Edge, 'records'>): Promise<ResolutionSettings | undefined> {
  const stored = await edge.records.get('resolution', 'self')
  if (!stored) return undefined
  try {
    const f = new Fields(stored, 'resolution')
    const settings = {
      resolvers: f.array('resolvers', { min: 1, max: MAX_RESOLVERS }, (item, path) =>
        new Fields({ did: item }, path).string('did', { max: MAX_RECIPIENT_DID, pattern: /^did:peer:\S+$/ }),
      ),
      openly: f.boolean('openly'),
    }
    f.end()
    return settings
  } catch (error) {
    if (!isKeysteadError(error)) throw error
    throw fault('NO_RESOLVER', 'whom this wallet asks about DIDs cannot be read any more: say it again')
  }
}
