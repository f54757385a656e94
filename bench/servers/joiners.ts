/** People who join an agency at once, some of them in a thread: one thread cannot be a hundred wallets at the same moment. */
import { parentPort } from 'node:worker_threads'
import { Client } from '../../apps/agency/src/testing/client.ts'

/** First their number, which makes the wallets; then what to join, answered with the milliseconds of each. */
export type Order = { readonly people: number } | { readonly url: string; readonly payload: Uint8Array }

type Wallet = Awaited<ReturnType<typeof Client.wallet>>
let wallets: readonly Wallet[] = []

parentPort?.on('message', async (order: Order) => {
  if ('people' in order) wallets = await Promise.all(Array.from({ length: order.people }, () => Client.wallet()))
  const took = 'url' in order ? await Promise.all(wallets.map((wallet) => join(wallet, order))) : []
  parentPort?.postMessage(took)
})

/** From a new wallet's first request to its first message kept: mailbox granted, DID registered, message accepted. */
async function join(wallet: Wallet, { url, payload }: { url: string; payload: Uint8Array }): Promise<number> {
  const begun = performance.now()
  const client = await Client.join(url, wallet)
  await client.forward(await client.recipient(), payload)
  return performance.now() - begun
}
