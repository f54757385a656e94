/** What one part of the log's work meets must not keep the rest of it from being done. */
import { type Edge, tell } from '../context.ts'
import { isOthersTrouble } from '../quietly.ts'

/** The network's trouble, or another device's, is told. */
export async function goOnWithout(edge: Edge, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!isOthersTrouble(error)) throw error
    tell(edge, { kind: 'waiting', text: `your log: ${error.message}`, data: { code: error.code } })
  }
}
