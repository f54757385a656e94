/** AGENCY-16: an account says where it is from now on, each of its devices that it has gone there, and later that all is done here. */
import type { JsonObject } from '@keystead/core'
import { MOVE_FORGOTTEN, MOVE_FORWARD, MOVE_STATE, MOVE_STOP, parseMoveForward } from '../../protocols/move/messages.ts'
import { refusal } from '../agent.ts'
import type { Handler } from '../handlers.ts'
import { endpointOf } from './forwarding.ts'

export const MOVE_HANDLERS: readonly (readonly [string, Handler])[] = [
  [
    MOVE_FORWARD,
    {
      service: 'mailbox',
      run: async (agent, { from = '', account, admin, message }) => {
        const { did, store, resolver } = agent.options
        const to = parseMoveForward(message.body)
        if (to === did || (await endpointOf(resolver, to)) === undefined)
          throw refusal('MOVE_REFUSED', 'this names no other agency that takes messages over HTTP')
        if (!(await store.setForwarding(account, from, to, admin)))
          throw (await store.forwardTo(account)) === undefined
            ? refusal('NOT_GRANTED', 'this device was not given that')
            : refusal('MOVE_REFUSED', 'another device has moved this account already, to another agency')
        void agent.options.forwarding?.look()
        return { type: MOVE_STATE, body: { to, waiting: (await store.mailStatus(from)).count } }
      },
    },
  ],
  [
    MOVE_STOP,
    {
      service: 'mailbox',
      admin: true,
      run: async (agent, { account }) => {
        const { store } = agent.options
        if ((await store.forwardTo(account)) === undefined) throw refusal('MOVE_REFUSED', 'this account has not moved')
        if ((await store.waitingMail(account)) > 0)
          throw refusal('MOVE_UNFINISHED', 'some mail has not been passed on or fetched yet')
        return { type: MOVE_FORGOTTEN, body: { ...(await store.forget(account)) } satisfies JsonObject }
      },
    },
  ],
]
