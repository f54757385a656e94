/** An application behind our ABCI server that takes everything and does nothing: what the way to an application costs alone. */
import { requests } from '../../packages/ledger/src/abci/messages.ts'
import { type AbciApplication, AbciServer } from '../../packages/ledger/src/abci/server.ts'

const nothing = Object.fromEntries(Object.keys(requests).map((name) => [name, () => ({})]))
const application: AbciApplication = {
  ...(nothing as unknown as AbciApplication),
  prepareProposal: ({ txs }) => ({ txs }),
  processProposal: () => ({ status: 1 }),
  finalizeBlock: ({ txs }) => ({ txResults: txs.map(() => ({})), appHash: new Uint8Array(32) }),
}
await AbciServer.listen({ path: process.argv[2] as string, application, onError: (error) => console.error(error) })
process.send?.('listening')
