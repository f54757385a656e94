/** Dead drops at an agency (AGENCY-22): a box under an address that only its key may fill, given to whoever knows the address. */
import { base64url } from '@keystead/core'
import { sha256, verifySignature } from '@keystead/crypto'
import { MAX_DROP_AHEAD_SECONDS } from '../limits.ts'
import { DROP_BOX_BYTES, dropAddress } from '../protocols/dead-drop/drop.ts'
import {
  DROP_BOX,
  DROP_GET,
  DROP_PUT,
  DROP_PUT_ACK,
  parseDropGet,
  parseDropPut,
  putTranscript,
} from '../protocols/dead-drop/messages.ts'
import { onlyAttachment, refusal } from './agent.ts'
import type { Handler } from './handlers.ts'

export const DROP_HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  [
    DROP_PUT,
    {
      run: async ({ options: { did: agency, store, clock } }, { message }) => {
        const { address, key, seq, signature } = parseDropPut(message.body)
        const box = onlyAttachment(message)
        const hash = base64url.encode(sha256(box))
        const now = Math.floor(clock.now() / 1000)
        const theirs =
          dropAddress(key) === address && verifySignature(key, putTranscript({ agency, address, seq, hash }), signature)
        if (!theirs) throw refusal('DROP_REFUSED', 'this key does not fill this drop')
        if (box.length !== DROP_BOX_BYTES) throw refusal('DROP_REFUSED', `a box has ${DROP_BOX_BYTES} bytes`)
        // Whoever learns the key must not be able to shut everybody else out with a number that nobody reaches.
        if (seq > now + MAX_DROP_AHEAD_SECONDS) throw refusal('DROP_REFUSED', 'the number is ahead of the time')
        await store.putDrop(address, seq, box, now)
        return { type: DROP_PUT_ACK, body: { address, seq } }
      },
    },
  ],
  [
    DROP_GET,
    {
      run: async ({ options: { store, clock } }, { message }) => {
        const address = parseDropGet(message.body)
        const drop = await store.drop(address, Math.floor(clock.now() / 1000))
        if (!drop) throw refusal('NO_DROP', 'nothing lies there')
        return { type: DROP_BOX, body: { address, seq: drop.seq }, attachments: [{ id: 'box', bytes: drop.box }] }
      },
    },
  ],
])
