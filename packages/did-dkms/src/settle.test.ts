import { multihash } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { expect, test } from 'vitest'
import { apply } from './apply/apply.ts'
import { productionParameters } from './network/parameters.ts'
import { settle } from './settle.ts'
import type { DidState } from './state.ts'
import { Owner } from './testing/owner.ts'

const T0 = 1_800_000_000
const DAY = 86_400
const digest = (n: number): string => multihash.encode(new Uint8Array(32).fill(n))

test('DKMS-24: whoever looks now and then sees what one who looks in the end sees, also after a deactivation', async () => {
  const net = digest(0)
  const genesis = await new Owner(nodeKeyProvider(), net, T0).genesis({ delays: [3600] })
  const parameters = productionParameters
  const result = apply(undefined, genesis, { net, parameters, time: T0, lost: 0, logIndex: 0 })
  if (!result.ok) throw new Error(result.code)
  const wait = (days: number) => ({ start: T0, lostAtStart: 0, delay: days * DAY })
  const agent = (n: number) => ({ h: digest(n), caps: 1, exp: T0 + 99 * DAY })
  const state: DidState = {
    ...result.state,
    agents: [agent(1), agent(2), agent(3)],
    removals: [
      { ...wait(1), h: digest(1), by: digest(3) },
      { ...wait(9), h: digest(2), by: digest(3) },
    ],
    suspension: { ...wait(8), by: digest(4) },
    recovery: {
      ...result.state.recovery,
      held: { ...wait(7.5), entries: [] },
      resting: [{ ...wait(8), h: digest(5) }],
    },
    deactivation: wait(7),
  }
  const at = (days: number) => ({ time: T0 + days * DAY, lost: 0 })
  const slowly = [1, 2, 7, 7.5, 8, 9, 10].reduce((now, day) => settle(now, at(day), parameters), state)
  const atOnce = settle(state, at(10), parameters)
  expect(slowly).toEqual(atOnce)
  expect(atOnce.agents.map(({ h }) => h)).toEqual([digest(2), digest(3)])
})
