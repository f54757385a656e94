/** AGENCY-20 and AGENCY-21: an account's devices come and go as those of them say that may, and agree on who speaks next. */
import type { JsonObject } from '@keystead/core'
import { MAX_DELIVERY_BYTES, MAX_SLOT_BYTES } from '../limits.ts'
import {
  DEVICE_ADD,
  DEVICE_JOIN,
  DEVICE_LIST,
  DEVICE_REMOVE,
  DEVICES,
  parseDeviceAdd,
  parseDeviceJoin,
  parseDeviceRemove,
  parseSlotSwap,
  parseSlotsRead,
  SLOT_HELD,
  SLOT_SWAP,
  SLOTS,
  SLOTS_READ,
} from '../protocols/account-devices/messages.ts'
import { type CloudAgent, onlyAttachment, type Reply, refusal } from './agent.ts'
import type { Handler } from './handlers.ts'

async function devicesReply({ options: { store } }: CloudAgent, account: string): Promise<Reply> {
  const devices = await store.members(account)
  return { type: DEVICES, body: { devices: devices as unknown as JsonObject[] } }
}

export const DEVICE_HANDLERS: readonly (readonly [string, Handler])[] = [
  [
    DEVICE_ADD,
    {
      service: 'mailbox',
      admin: true,
      run: async (agent, { account, message }) => {
        const { device, admin } = parseDeviceAdd(message.body)
        await agent.options.store.inviteDevice(account, device, admin)
        return devicesReply(agent, account)
      },
    },
  ],
  [
    DEVICE_JOIN,
    {
      run: async (agent, { from = '', message }) => {
        const account = parseDeviceJoin(message.body)
        await agent.options.store.joinAccount(account, from)
        return devicesReply(agent, account)
      },
    },
  ],
  [
    DEVICE_REMOVE,
    {
      service: 'mailbox',
      admin: true,
      run: async (agent, { account, message }) => {
        const device = parseDeviceRemove(message.body)
        if (await agent.options.store.removeDevice(account, device)) agent.live.endFor(device)
        return devicesReply(agent, account)
      },
    },
  ],
  [DEVICE_LIST, { service: 'mailbox', run: (agent, { account }) => devicesReply(agent, account) }],
  [
    SLOT_SWAP,
    {
      service: 'mailbox',
      run: async ({ options: { store } }, { account, from = '', message }) => {
        const swap = parseSlotSwap(message.body)
        const value = onlyAttachment(message)
        if (value.length > MAX_SLOT_BYTES)
          throw refusal('MESSAGE_TOO_LARGE', `a slot holds at most ${MAX_SLOT_BYTES} bytes`)
        const held = await store.swapSlot(account, from, swap, value)
        return {
          type: SLOT_HELD,
          body: { slot: swap.slot, seq: held.seq },
          attachments: [{ id: 'value', bytes: held.value }],
        }
      },
    },
  ],
  [
    SLOTS_READ,
    {
      service: 'mailbox',
      run: async ({ options: { store } }, { account, message }) => {
        const { slots, more } = await store.slots(account, parseSlotsRead(message.body), MAX_DELIVERY_BYTES)
        return {
          type: SLOTS,
          body: { slots: slots.map(({ slot, seq }) => ({ slot, seq })), more },
          attachments: slots.map(({ slot, value }) => ({ id: slot, bytes: value })),
        }
      },
    },
  ],
]
