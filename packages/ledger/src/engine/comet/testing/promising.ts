/** A validator's node that answers at once with a receipt alone: prints its address and its processes, and waits to be killed. */
import { systemClock } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { serveValidator } from '../../../http/serve.ts'
import type { CometLedger } from '../engine.ts'
import { cometbft } from './network.ts'

const { ledger, url } = await serveValidator({
  home: process.argv[2] as string,
  cometbft: cometbft as string,
  clock: systemClock,
  log: () => {},
  host: '127.0.0.1',
  port: 0,
  freshSeconds: 1,
  keys: nodeKeyProvider(),
  answerWithinMs: 100,
})
const { supervisor } = ledger as CometLedger
console.log(JSON.stringify({ url, pids: [supervisor.pid('application'), supervisor.pid('cometbft')] }))
