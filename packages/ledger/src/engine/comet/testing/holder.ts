/** Runs the validator whose folder is the argument, and says which processes it owns; a test kills it. */
import { systemClock } from '@keystead/core'
import { requireCometbft } from '../binary.ts'
import { CometLedger } from '../engine.ts'
import { QUICK } from './network.ts'

const [, , home = ''] = process.argv
const ledger = await CometLedger.open({
  home,
  cometbft: requireCometbft(),
  clock: systemClock,
  tuning: QUICK,
  log: () => {},
})
console.log(JSON.stringify([ledger.supervisor.pid('application'), ledger.supervisor.pid('cometbft')]))
