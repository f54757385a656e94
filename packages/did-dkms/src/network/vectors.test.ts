/** Our vectors of the network's log, which other implementations read too. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type NetworkVector, playNetwork } from '../testing/network-vectors.ts'
import { parseNetworkGenesis } from './genesis.ts'
import { initialNetwork } from './state.ts'

const folder = fileURLToPath(new URL('../../../../vectors/network', import.meta.url))
const read = (kind: string): [string, NetworkVector][] =>
  readdirSync(join(folder, kind)).map((name) => {
    const vector = JSON.parse(readFileSync(join(folder, kind, name), 'utf8')) as NetworkVector
    return [`${vector.rule}: ${vector.title}`, vector]
  })

describe.each(['valid', 'invalid'])('%s', (kind) => {
  test.each(read(kind))('%s', (_, vector) => {
    const genesis = parseNetworkGenesis(vector.genesis as never)
    let state = initialNetwork(genesis)
    for (const step of vector.steps) {
      const after = playNetwork(genesis, state, step)
      expect(after.outcome).toEqual(step.expect)
      state = after.state
    }
    expect('code' in (vector.steps.at(-1)?.expect ?? {})).toBe(kind === 'invalid')
  })
})
