/** Work of which nobody waits for the end: what it is refused, or who is away, is told, and keeps nothing else from being done. */
import type { Edge } from './context.ts'

/** Rejects for what stops the whole wallet alone: a locked vault, a full disk, a fault of ours. */
export async function quietly<T>(edge: Edge, work: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    if (code === undefined || code === 'WALLET_LOCKED' || code === 'DISK_FULL') throw error
    edge.ports.onEvent?.({ kind: 'waiting', text: message })
    return otherwise
  }
}
