/** A new wallet that has no cloud agent and no DID yet (flows V1, V2, V5): it was interrupted, or ledger or agency are away. */
import { attempt, card } from '../dom.ts'
import type { Ways } from '../main.ts'
import type { Screen } from '../rooms.ts'
import type { Session } from '../session.ts'
import { discard } from './discard.ts'

export function makingScreen(session: Session, { done, leave }: Ways): Screen {
  const make = async (): Promise<void> => {
    await session.make()
    await done()
  }
  const element = card(
    'Your wallet is being made',
    attempt('Your keys are here. A DID on the ledger and a mailbox at the agency are on their way …', make),
    discard(session, 'Give up, and throw this empty wallet away', leave),
  )
  return { element, refresh: async () => {} }
}
