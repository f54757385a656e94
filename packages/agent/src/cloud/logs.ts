/** The operation log at an agency: each batch is checked for its maker and place before it is kept (SYNC-10). */
import { type Bytes, type JsonObject, KeysteadError } from '@keystead/core'
import { decodeMultikey, encodeMultikey, verifySignature } from '@keystead/crypto'
import { attachmentBytes } from '@keystead/didcomm'
import { type Batch, isSuccessor, parseBatch, parseEntry, verifyBatch } from '@keystead/wallet'
import { MAX_DELIVERY_BYTES } from '../limits.ts'
import * as log from '../protocols/log/messages.ts'
import { readerName } from '../protocols/recovery-guard/messages.ts'
import { type CloudAgent, type Incoming, onlyAttachment, type Reply, refusal } from './agent.ts'
import type { CloudErrorCode } from './errors.ts'
import { refuseWhileStayed } from './guards.ts'
import type { Handler } from './handlers.ts'
import type { LogPage } from './store/port.ts'

async function putEntry(agent: CloudAgent, { account, message }: Incoming): Promise<Reply> {
  const vault = log.parseVault(message.body)
  const entry = refusing(() => parseEntry(onlyAttachment(message)))
  const { seq, prev, hash, bytes } = entry
  // One that nobody was entitled to would stand where the devices' next has to.
  const entitled = (before: Bytes): boolean => isSuccessor(parseEntry(before), entry)
  const { store, clock } = agent.options
  return held(vault, await store.putEntry(account, vault, { seq, prev, hash, bytes, entitled }, clock.now()))
}

async function putBatches(agent: CloudAgent, { account, message }: Incoming): Promise<Reply> {
  const { vault, log: id, key } = log.parseLogPut(message.body)
  const device = decodeMultikey(key)
  if (device.suite !== 'ed25519') throw refusal('BACKUP_CONFLICT', 'a chain is signed with Ed25519')
  const batches = (message.attachments ?? []).map((attachment) =>
    refusing(() => {
      const batch = parseBatch(attachmentBytes(attachment))
      verifyBatch(batch, id, { suite: 'ed25519', bytes: device.bytes })
      return batch
    }),
  )
  const [first] = batches
  if (!first || batches.some(({ chain }) => chain !== first.chain))
    throw refusal('BACKUP_CONFLICT', 'a run of batches is of one chain')
  const { store, clock } = agent.options
  // The key in one spelling, so that a chain keeps it.
  return held(vault, await store.putBatches(account, vault, encodeMultikey(device), batches, clock.now()))
}

async function trim(agent: CloudAgent, { account, message }: Incoming): Promise<Reply> {
  const asked = log.parseTrim(message.body)
  const { store, clock } = agent.options
  return held(asked.vault, await store.trimChain(account, asked, clock.now()))
}

async function addReaders(agent: CloudAgent, { account, message }: Incoming): Promise<Reply> {
  const { vault, readers } = log.parseReaders(message.body)
  const { store, clock } = agent.options
  return held(vault, await store.addReaders(account, vault, readers, clock.now()))
}

async function fetch(agent: CloudAgent, { account, message }: Incoming): Promise<Reply> {
  const { vault, ...wanted } = log.parseFetch(message.body)
  const { store, clock } = agent.options
  const owner = await store.vaultOwner(vault)
  // One that is gone is empty: its owner sees that, and brings everything again.
  if (owner !== undefined && owner !== account) throw refusal('BACKUP_NOT_YOURS', 'this vault is not yours')
  await store.touchVault(vault, clock.now())
  return shown(vault, await store.log(vault, wanted, { maxBytes: MAX_DELIVERY_BYTES, trimmed: false }))
}

async function challenge(agent: CloudAgent, { message }: Incoming): Promise<Reply> {
  const vault = log.parseVault(message.body)
  return { type: log.LOG_CHALLENGE, body: { vault, nonce: await agent.giveNonce(`log ${vault}`) } }
}

/** A recovery sees what was trimmed, too: whoever trimmed it may have been a thief. */
async function read(agent: CloudAgent, { message }: Incoming): Promise<Reply> {
  const { vault, reader, nonce, signature, ...wanted } = log.parseLogRead(message.body)
  const { store, did, clock } = agent.options
  const fresh = await agent.takeNonce(nonce, `log ${vault}`)
  const key = decodeMultikey(reader)
  const allowed =
    fresh &&
    key.suite === 'ed25519' &&
    (await store.readers(vault)).includes(reader) &&
    verifySignature({ suite: 'ed25519', bytes: key.bytes }, log.readTranscript(did, vault, nonce), signature)
  if (!allowed) throw refusal('READ_REFUSED', 'this key may not read this log')
  await refuseWhileStayed(agent, 'reader', readerName(reader))
  await store.touchVault(vault, clock.now())
  const page = await store.log(vault, wanted, { maxBytes: MAX_DELIVERY_BYTES, trimmed: true })
  return shown(vault, page, { nonce: await agent.giveNonce(`log ${vault}`) })
}

function held(vault: string, { heads, entries }: log.Held): Reply {
  return { type: log.LOG_HELD, body: { vault, heads: heads.map((head) => ({ ...head })), entries } }
}

function shown(vault: string, page: LogPage, more: JsonObject = {}): Reply {
  const { heads, entries } = page
  return {
    type: log.LOG_SHOWN,
    body: { vault, heads: heads.map((head) => ({ ...head })), entries, more: page.more, ...more },
    attachments: page.shown.map(({ bytes }, index) => ({ id: String(index), bytes })),
  }
}

/** What a wallet's parser refuses is a conflict to whoever sent it. */
function refusing<T extends Batch | ReturnType<typeof parseEntry>>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new KeysteadError<CloudErrorCode>('BACKUP_CONFLICT', 'this is no batch that this key signed', { cause })
  }
}

export const LOG_HANDLERS: readonly (readonly [string, Handler])[] = [
  [log.LOG_PUT_ENTRY, { service: 'backup', run: putEntry }],
  [log.LOG_PUT, { service: 'backup', run: putBatches }],
  [log.LOG_TRIM, { service: 'backup', run: trim }],
  [log.LOG_READERS, { service: 'backup', run: addReaders }],
  [log.LOG_FETCH, { service: 'backup', run: fetch }],
  [log.LOG_CHALLENGE_REQUEST, { run: challenge }],
  [log.LOG_READ, { run: read }],
]
