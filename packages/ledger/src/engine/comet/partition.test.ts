import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { canMakeNetworkNamespaces, Namespaces } from './testing/namespaces.ts'
import { cometbft, TestNetwork, until } from './testing/network.ts'

const able = cometbft !== undefined && process.getuid?.() === 0 && canMakeNetworkNamespaces()
let namespaces: Namespaces | undefined
let network: TestNetwork | undefined
afterEach(async () => {
  await network?.stop()
  namespaces?.remove()
})

describe.skipIf(!able)('cometbft in netns: a parted network', { timeout: 240_000 }, () => {
  test('2 and 2: nobody goes on; 3 and 1: the three do; one chain when it heals', async () => {
    const cut = new Namespaces(4)
    namespaces = cut
    const validators = Object.fromEntries([0, 1, 2, 3].map((i) => [i, { prefix: cut.prefix(i) }]))
    const addresses = [0, 1, 2, 3].map((i) => cut.address(i))
    const net = await TestNetwork.start(4, { validators, addresses })
    network = net
    const { did } = await net.register(0)
    const heights = (): number[] => net.ledgers.map(({ head }) => head.header.height)

    cut.part([2, 3])
    await sleep(3000)
    const stopped = heights()
    const waiting = net.register(0)
    await sleep(6000)
    // What was under way may still be decided; then it stands still, and reads say how old they are.
    expect(heights().every((height, i) => height - (stopped[i] as number) <= 1)).toBe(true)
    const read = await net.client(2).resolve(did)
    expect(read.age).toBeGreaterThanOrEqual(5)

    cut.part([3])
    await waiting
    const alone = heights()[3] as number
    await until('the three go on', () => Math.min(...heights().slice(0, 3)) > alone + 3, 120)
    expect(heights()[3]).toBe(alone)

    cut.heal()
    const height = Math.max(...heights())
    await until('the fourth catches up', () => (heights()[3] as number) >= height, 120)
    expect(await net.agreed([0, 1, 2, 3])).toBeGreaterThanOrEqual(height)
  })
})
