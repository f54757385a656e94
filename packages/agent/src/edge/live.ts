/** Listening: a socket to the agency while there is one, polling where there is none, the same handling in both. */
import { DELIVERY, LIVE_DELIVERY_CHANGE, MESSAGES_RECEIVED, STATUS } from '../protocols/pickup/messages.ts'
import { endpointOf, open, packFor } from './agency-link.ts'
import { agencyOf, type Edge, tell } from './context.ts'
import { handleDelivery } from './inbox.ts'
import { flushOutbox } from './outbox.ts'
import { sync } from './sync.ts'

/** How often a listener looks by itself: what the socket missed, delays that ended, an outbox that waits. */
const LOOK_MS = 2000

/** Resolves when aborted. */
export async function listen(edge: Edge, signal: AbortSignal): Promise<void> {
  const look = (): Promise<unknown> => edge.alone(() => sync(edge))
  while (!signal.aborted) {
    await look()
    const ended = await liveUntilClosed(edge, look, signal).catch(() => {})
    if (ended === 'aborted') return
    await pause(edge, signal)
  }
}

async function pause(edge: Edge, signal: AbortSignal): Promise<void> {
  await edge.ports.clock.sleep(LOOK_MS, signal).catch(() => {})
}

async function liveUntilClosed(
  edge: Edge,
  look: () => Promise<unknown>,
  signal: AbortSignal,
): Promise<'closed' | 'aborted'> {
  const { did, account } = await agencyOf(edge)
  if (!edge.ports.socket) return 'closed'
  const socket = await edge.ports.socket(await endpointOf(edge, did, 'ws'))
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = (work: () => Promise<unknown>): void => {
    turn = turn.then(work).catch((error: Error) => tell(edge, { kind: 'waiting', text: error.message }))
  }
  const closed = new Promise<'closed' | 'aborted'>((resolve) => {
    socket.onclose = () => resolve('closed')
    signal.addEventListener('abort', () => resolve('aborted'), { once: true })
    if (signal.aborted) resolve('aborted')
  })
  socket.onmessage = (bytes) =>
    inTurn(async () => {
      const message = await open(edge, bytes, did)
      if (message.type === DELIVERY) {
        await edge.alone(async () => {
          const done = await handleDelivery(edge, message)
          if (done.length > 0)
            socket.send(await packFor(edge, did, account, { type: MESSAGES_RECEIVED, body: { message_id_list: done } }))
          await flushOutbox(edge)
        })
      } else if (message.type === STATUS && Number(message.body['message_count']) > 0) await lookHere()
    })
  const lookHere = async (): Promise<void> => {
    await look()
    // After a move the socket leads to the agency before.
    if ((await agencyOf(edge)).did !== did) socket.close()
  }
  const timer = setInterval(() => inTurn(lookHere), LOOK_MS)
  try {
    socket.send(await packFor(edge, did, account, { type: LIVE_DELIVERY_CHANGE, body: { live_delivery: true } }))
    return await closed
  } finally {
    clearInterval(timer)
    socket.onmessage = null
    socket.close()
    await turn
  }
}
