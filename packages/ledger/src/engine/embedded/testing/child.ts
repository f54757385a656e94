/**
 * A ledger in a process that a test kills. Arguments: folder, and the step of a commit at which it kills itself, or `never`.
 * It registers DIDs one after another, four at a time, and says of each that was acknowledged its hash.
 */
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { developmentParameters, encodeSubmission, networkHash } from '@keystead/did-dkms'
import { Owner } from '../../../../../did-dkms/src/testing/owner.ts'
import { LedgerStore } from '../../../state/store.ts'
import { EmbeddedLedger } from '../engine.ts'
import { Signer } from '../signer.ts'

const [folder = '', step = 'never'] = process.argv.slice(2)
const keys = nodeKeyProvider()
let blocks = 0
const ledger = await EmbeddedLedger.open({
  store: LedgerStore.open(join(folder, 'ledger.lmdb')),
  signer: await Signer.open(join(folder, 'signer'), keys),
  clock: systemClock,
  network: { chainId: 'keystead-crash', parameters: developmentParameters },
  crashPoint: (reached) => {
    if (reached === 'executed') blocks++
    if (reached === step && blocks === 3) process.kill(process.pid, 'SIGKILL')
  },
})
for (;;) {
  const owner = new Owner(keys, networkHash(ledger.genesis), Math.floor(Date.now() / 1000) + 86_400)
  const made = await Promise.all([1, 2, 3, 4].map(() => owner.genesis()))
  await Promise.all(
    made.map(async (genesis) => {
      const { hash } = await ledger.submit(encodeSubmission(genesis))
      // At once and not through a buffer of ours: what was told must be seen, however the process ends.
      writeSync(1, `${hash}\n`)
    }),
  )
}
