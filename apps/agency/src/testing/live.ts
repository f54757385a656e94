/** A socket on which an account takes its mail live: what waits first, then what comes, each acknowledged. */
import WebSocket from 'ws'
import { open, packFor } from '../../../../packages/agent/src/edge/agency-link.ts'
import {
  DELIVERY,
  DELIVERY_REQUEST,
  LIVE_DELIVERY_CHANGE,
  MESSAGES_RECEIVED,
  STATUS,
} from '../../../../packages/agent/src/protocols/pickup/messages.ts'
import { attachmentBytes } from '../../../../packages/didcomm/src/index.ts'
import type { Client } from './client.ts'

export interface Live {
  /** When the connection is over. */
  readonly ended: Promise<void>
  terminate(): void
}

/** Resolves when the mode is on. Rejects when the agency cannot be reached. */
export async function listenLive(client: Client, url: string, take: (bytes: Uint8Array) => void): Promise<Live> {
  const { edge } = client.agent
  const { did = '', account = '' } = (await client.agent.profile()).agency ?? {}
  const socket = new WebSocket(url.replace('http', 'ws'))
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  socket.on('error', () => socket.terminate())
  const send = async (type: string, body: object): Promise<void> => {
    const packed = await packFor(edge, did, account, { type, body: body as never })
    if (socket.readyState === WebSocket.OPEN) socket.send(packed)
  }
  const fetchMore = (): Promise<void> => {
    passedOver = 0
    return send(DELIVERY_REQUEST, { limit: 50 })
  }
  const handle = async (bytes: Uint8Array): Promise<void> => {
    const message = await open(edge, bytes, did)
    if (message.type === STATUS) {
      begun()
      if (Number(message.body['message_count']) > 0 || passedOver > 0) return fetching ? fetchMore() : undefined
      fetching = false
    }
    if (message.type !== DELIVERY) return
    // What is pushed while older mail is being fetched comes in its turn, with what is fetched.
    if (fetching && message.thid === undefined) {
      passedOver++
      return
    }
    const attachments = message.attachments ?? []
    for (const attachment of attachments) take(attachmentBytes(attachment))
    await send(MESSAGES_RECEIVED, { message_id_list: attachments.map(({ id }) => String(id)) })
  }
  let fetching = true
  let passedOver = 0
  let begun = (): void => {}
  const live = new Promise<void>((resolve) => {
    begun = resolve
  })
  let turn: Promise<void> = Promise.resolve()
  socket.on('message', (data) => {
    turn = turn.then(() => handle(new Uint8Array(data as Buffer))).catch(() => socket.terminate())
  })
  await send(LIVE_DELIVERY_CHANGE, { live_delivery: true })
  await Promise.race([
    live,
    ended.then(() => {
      throw new Error('the agency closed the connection')
    }),
  ])
  return { ended, terminate: () => socket.terminate() }
}
