/** Stores whose disk a test watches or holds still. */
import { memoryVaultStore } from '../memory-store.ts'
import type { OpenVaultStore, StoreWrite, VaultStore } from '../store.ts'

/** A store, and what a power cut now would leave of it: every write so far, and no lock of the wallet. */
export function recording(): { store: VaultStore; afterPowerCut: () => Promise<VaultStore> } {
  const inner = memoryVaultStore()
  const writes: StoreWrite[] = []
  const store: VaultStore = {
    open: async (mode) => {
      const session = await inner.open(mode)
      if (!session) return undefined
      const write = async (one: StoreWrite): Promise<void> => {
        await session.write(one)
        writes.push(one)
      }
      return { ...boundTo(session), write }
    },
  }
  return {
    store,
    afterPowerCut: async () => {
      const copy = memoryVaultStore()
      const session = (await copy.open('create')) as OpenVaultStore
      for (const one of writes) await session.write(one)
      await session.close()
      return copy
    },
  }
}

export const boundTo = (session: OpenVaultStore): OpenVaultStore => ({
  load: () => session.load(),
  read: (id) => session.read(id),
  list: (tokens) => session.list(tokens),
  index: () => session.index(),
  write: (one) => session.write(one),
  close: () => session.close(),
})

/** A store whose writes wait, from `hold` on, until `release`. */
export function held(): { store: VaultStore; hold: () => void; release: () => void; waiting: () => number } {
  const inner = memoryVaultStore()
  let gate: Promise<void> | undefined
  let open = (): void => {}
  let waiting = 0
  const store: VaultStore = {
    open: async (mode) => {
      const session = await inner.open(mode)
      if (!session) return undefined
      const write = async (one: StoreWrite): Promise<void> => {
        waiting++
        await gate
        await session.write(one)
        waiting--
      }
      return { ...boundTo(session), write }
    },
  }
  return {
    store,
    hold: () => {
      gate = new Promise((resolve) => {
        open = resolve
      })
    },
    release: () => open(),
    waiting: () => waiting,
  }
}
