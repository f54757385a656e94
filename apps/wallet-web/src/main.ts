/** The page: a door (make, link, unlock), then rooms behind one navigation, or one room while a wallet comes about. */
import type { Kit } from '@keystead/recovery'
import { h } from './dom.ts'
import { keepPage } from './offline/keeping.ts'
import { header, rooms, type Screen } from './rooms.ts'
import { door } from './screens/door.ts'
import { linkingScreen } from './screens/linking.ts'
import { makingScreen } from './screens/making.ts'
import { recoveringScreen } from './screens/recovering.ts'
import { type Purpose, Session, services } from './session.ts'
import { newer, open, openedWallet, show, tell } from './stage.ts'

async function closed(): Promise<void> {
  const start = async (made: Parameters<typeof Session.start>[1]): Promise<void> =>
    enter(await Session.start(await services(), made, tell))
  const actions = {
    create: (label: string, passphrase: string) => start({ purpose: 'make', label, passphrase }),
    link: (label: string, passphrase: string) => start({ purpose: 'link', label, passphrase }),
    recover: async (kit: Kit | undefined, pin: string, passphrase: string) => {
      const known = kit ? { genesis: kit.genesis } : {}
      const made = { purpose: 'recover', label: 'recovering', passphrase, ...known } as const
      const session = await Session.start(await services(), made, tell)
      // What goes wrong here is said in the room that comes now, where it can be tried again with what was entered.
      const error: unknown = await session.recover(kit, pin).catch((error: unknown) => error)
      return enter(session, error === undefined ? undefined : { kit, error })
    },
    unlock: async (passphrase: string) => enter(await Session.unlock(passphrase, tell)),
    unlockWithPasskey: (await Session.hasPasskey())
      ? async () => enter(await Session.unlockWithPasskey(tell))
      : undefined,
  }
  const knock = (): void => show('', [door(Session.known(), actions)], knock)
  knock()
}

/** What the wallet was made for is done first, in one room. */
async function enter(session: Session, refused?: Refused): Promise<void> {
  const purpose = await session.unfinished()
  if (purpose === undefined) {
    await session.settle()
    return rooms(session, closed)
  }
  const done = async (): Promise<void> => {
    ended()
    await enter(session)
  }
  const leave = async (): Promise<void> => {
    ended()
    await closed()
  }
  const screen = SCREENS[purpose](session, { done, leave, refused })
  const ended = open(session, () => screen.refresh())
  show(session.label, [header(session, ended, closed), h('main', {}, screen.element)])
}

/** While a wallet comes about. `done`: it has its owner; `leave`: it was thrown away. */
const SCREENS: Readonly<Record<Purpose, (session: Session, ways: Ways) => Screen>> = {
  make: makingScreen,
  link: linkingScreen,
  recover: recoveringScreen,
}

export interface Ways {
  done(): Promise<void>
  leave(): Promise<void>
  readonly refused: Refused | undefined
}

/** What a recovery could not be begun with, and why. */
export interface Refused {
  readonly kit: Kit | undefined
  readonly error: unknown
}

await closed()
await keepPage(newer, async () => openedWallet()?.lock())
