/** A ledger node on the embedded engine as a process; its data lie in the folder named as argument. */
import { join } from 'node:path'
import { systemClock } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { developmentParameters, networkHash } from '@keystead/did-dkms'
import { serveLedger } from '@keystead/ledger'

const folder = process.argv[2] as string
const began = performance.now()
const node = await serveLedger({
  data: join(folder, 'data'),
  signerFolder: join(folder, 'signer'),
  host: '127.0.0.1',
  port: 0,
  network: { chainId: 'keystead-bench', parameters: developmentParameters },
  freshSeconds: 30,
  clock: systemClock,
  keys: nodeKeyProvider(),
  log: () => {},
})
process.send?.({ url: node.url, net: networkHash(node.ledger.genesis), startedIn: performance.now() - began })
process.on('message', (message) => {
  if (message === 'usage') process.send?.({ rss: process.memoryUsage().rss, cpu: process.cpuUsage() })
})
process.once('SIGTERM', () => void node.close().then(() => process.exit(0)))
