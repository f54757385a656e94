/** AGENCY-15: which wake-ups an account wants. */
import {
  PUSH_KEY,
  PUSH_KEY_REQUEST,
  PUSH_REMOVE,
  PUSH_SET,
  PUSH_STATE,
  parsePushRemove,
  parsePushSet,
  pushState,
} from '../../protocols/push/messages.ts'
import { type CloudAgent, refusal } from '../agent.ts'
import type { Handler } from '../handlers.ts'
import type { PushService } from './service.ts'

function serviceOf(agent: CloudAgent): PushService {
  const { push } = agent.options
  if (!push) throw refusal('PUSH_OFF', 'this agency wakes nobody')
  return push
}

export const PUSH_HANDLERS: readonly (readonly [string, Handler])[] = [
  [
    PUSH_KEY_REQUEST,
    {
      service: 'mailbox',
      run: async (agent) => ({ type: PUSH_KEY, body: { key: serviceOf(agent).publicKey } }),
    },
  ],
  [
    PUSH_SET,
    {
      service: 'mailbox',
      run: async (agent, { from = '', message }) => {
        const subscription = parsePushSet(message.body)
        serviceOf(agent).check(subscription.endpoint)
        return { type: PUSH_STATE, body: pushState(await agent.options.store.addPush(from, subscription)) }
      },
    },
  ],
  [
    PUSH_REMOVE,
    {
      service: 'mailbox',
      run: async (agent, { from = '', message }) => {
        const left = await agent.options.store.removePush(from, parsePushRemove(message.body))
        return { type: PUSH_STATE, body: pushState(left) }
      },
    },
  ],
]
