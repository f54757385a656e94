/** A store in memory, for tests and for wallets that live as long as their process. */
import { refuse } from './errors.ts'
import type { NewRecord, OpenVaultStore, StoredKeyslot, StoredVault, StoreWrite, VaultStore } from './store.ts'

interface Contents {
  header?: StoredVault['header']
  generation: number
  readonly keyslots: Map<string, StoredKeyslot>
  readonly records: Map<string, NewRecord>
}

/** Keeps its contents between `close` and the next `open`. */
export function memoryVaultStore(): VaultStore {
  const contents: Contents = { generation: 0, keyslots: new Map(), records: new Map() }
  let open = false
  return {
    open: async (mode) => {
      if (open) return refuse('WALLET_IN_USE', 'this wallet is open already')
      if (mode === 'existing' && contents.header === undefined) return undefined
      open = true
      return opened(contents, () => {
        open = false
      })
    },
  }
}

function opened(contents: Contents, release: () => void): OpenVaultStore {
  let live = true
  const check = (): void => {
    if (!live) refuse('WALLET_LOCKED', 'this wallet has been closed')
  }
  return {
    load: async () => {
      check()
      const { header, generation, keyslots } = contents
      return header && { header, generation, keyslots: [...keyslots.values()] }
    },
    read: async (id) => {
      check()
      return contents.records.get(id)
    },
    list: async (tokens) => {
      check()
      return [...contents.records.values()].filter((record) => tokens.every((token) => record.tokens.includes(token)))
    },
    index: async () => {
      check()
      return new Map([...contents.records.values()].map(({ id, tokens }) => [id, tokens]))
    },
    write: async (write) => {
      check()
      apply(contents, write)
    },
    close: async () => {
      if (!live) return
      live = false
      release()
    },
  }
}

function apply(contents: Contents, write: StoreWrite): void {
  contents.generation = write.generation
  if (write.header) contents.header = write.header
  if (write.putKeyslot) contents.keyslots.set(write.putKeyslot.slotId, write.putKeyslot)
  if (write.removeKeyslot !== undefined) contents.keyslots.delete(write.removeKeyslot)
  for (const record of write.put ?? []) contents.records.set(record.id, record)
  for (const id of write.remove ?? []) contents.records.delete(id)
}
