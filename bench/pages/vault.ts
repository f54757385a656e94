/** In a browser: a vault on IndexedDB, opened and locked, and Argon2id alone, by turns. */
import { systemClock, systemRandom, utf8 } from '@keystead/core'
import { argon2id } from '@keystead/crypto'
import { browserKeyProvider } from '@keystead/crypto/browser'
import { createVault, openVault } from '@keystead/wallet'
import { indexedDbVaultStore } from '@keystead/wallet/browser'

/** Milliseconds of each run. */
export async function run(rounds: number): Promise<{ first: number; open: number[]; argon: number[] }> {
  const options = {
    store: indexedDbVaultStore('bench'),
    keys: browserKeyProvider(),
    clock: systemClock,
    random: systemRandom,
  }
  const unlock = { kind: 'passphrase', passphrase: 'correct horse battery staple' } as const
  const vault = await createVault(options, unlock)
  await vault.createKey({ kind: 'signing', suite: 'ed25519' }, 'signing')
  await vault.lock()
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const start = performance.now()
    await work()
    return performance.now() - start
  }
  const opened = (keys = options.keys) => timed(async () => (await openVault({ ...options, keys }, unlock)).lock())
  // The first one of a page also runs the self-tests.
  const first = await opened(browserKeyProvider())
  const [open, argon]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    open.push(await opened())
    const parameters = { memoryKiB: 64 * 1024, passes: 3 }
    argon.push(await timed(() => argon2id(utf8(unlock.passphrase), new Uint8Array(16), parameters, 32)))
  }
  return { first, open, argon }
}

declare global {
  interface Window {
    runVaultBench: typeof run
  }
}
window.runVaultBench = run
