/** RELAY-5: an account follows the chain by its agency, so that the node does not see a wallet just when a resolver reads for it. */
import { isKeysteadError } from '@keystead/core'
import { MAX_LEDGER_READ_BYTES } from '../limits.ts'
import { LEDGER_READ, LEDGER_READ_ANSWER, parseLedgerRead } from '../protocols/ledger-read/messages.ts'
import { refusal } from './agent.ts'
import type { Handler } from './handlers.ts'

/** The node's answer to a path; undefined for what it does not have. Rejects when it does not answer, or with too much. */
export type LedgerRead = (path: string, maxBytes: number) => Promise<Uint8Array | undefined>

export const LEDGER_READ_HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  [
    LEDGER_READ,
    {
      service: 'mailbox',
      offered: ({ relay, ledgerRead }) => relay !== undefined && ledgerRead !== undefined,
      run: async ({ options: { relay, ledgerRead } }, { account, message }) => {
        if (!relay || !ledgerRead) throw refusal('RELAY_OFF', 'this agency shows nothing of a ledger')
        const path = parseLedgerRead(message.body)
        const answer = await relay.counted(account, async () => {
          try {
            return await ledgerRead(path, MAX_LEDGER_READ_BYTES)
          } catch (error) {
            if (!isKeysteadError(error)) throw error
            throw refusal('RELAY_SILENT', 'the ledger node gave no answer')
          }
        })
        if (!answer) throw refusal('NOT_FOUND', 'the ledger node does not have that')
        return { type: LEDGER_READ_ANSWER, body: {}, attachments: [{ id: 'answer', bytes: answer }] }
      },
    },
  ],
])
