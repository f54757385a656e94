/** The peer as a process: `@did-plc/server`, the reference directory of did:plc, with its own in-memory database. */
import { createRequire } from 'node:module'

process.env['LOG_ENABLED'] = 'false'
const { MockDatabase, PlcServer } = createRequire(import.meta.url)('@did-plc/server')
const server = await PlcServer.create({ db: new MockDatabase(), port: 0 }).start()
process.send?.({ url: `http://127.0.0.1:${server.address().port}` })
