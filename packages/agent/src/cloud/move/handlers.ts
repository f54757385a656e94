/** AGENCY-16: an account says where its mail goes from now on, and later that it is done here. */
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
      admin: true,
      run: async (agent, { from = '', account, message }) => {
        const { did, store, resolver } = agent.options
        if ((await store.members(account)).filter(({ state }) => state === 'member').length > 1)
          throw refusal('SEVERAL_DEVICES', 'the mail of several devices is not passed on: revoke all but one first')
        const to = parseMoveForward(message.body)
        if (to === did || (await endpointOf(resolver, to)) === undefined)
          throw refusal('MOVE_REFUSED', 'this names no other agency that takes messages over HTTP')
        await store.setForwarding(account, to)
        agent.options.forwarding?.look()
        return { type: MOVE_STATE, body: { to, waiting: (await store.mailStatus(from)).count } }
      },
    },
  ],
  [
    MOVE_STOP,
    {
      service: 'mailbox',
      admin: true,
      run: async (agent, { from = '', account }) => {
        const { store } = agent.options
        if ((await store.forwardTo(account)) === undefined) throw refusal('MOVE_REFUSED', 'this account has not moved')
        if ((await store.mailStatus(from)).count > 0)
          throw refusal('MOVE_UNFINISHED', 'some mail has not been passed on yet')
        return { type: MOVE_FORGOTTEN, body: { ...(await store.forget(account)) } satisfies JsonObject }
      },
    },
  ],
]
