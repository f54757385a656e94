/** Every rule, drawn as a log. */
import { utf8 } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { describe, expect, test } from 'vitest'
import { apply } from './apply/apply.ts'
import { parseSubmission } from './parse/submission.ts'
import { decodeState, encodeState } from './state.ts'
import { Chain } from './testing/chain.ts'
import { DRAWINGS } from './testing/drawings/index.ts'
import { START } from './testing/line.ts'
import { NET } from './testing/vectors.ts'

const provider = nodeKeyProvider()

describe('drawn logs', () => {
  test.each(DRAWINGS.map((drawing) => [`${drawing.rule}: ${drawing.title}`, drawing] as const))(
    '%s',
    async (_, drawing) => {
      const chain = await new Chain(provider).draw(drawing.log, drawing)
      for (const step of chain.steps) {
        if (!('state' in step.expect) || !step.text) continue
        // DKMS-20: a state is its bytes.
        const bytes = encodeState(step.expect.state as never)
        expect(encodeState(decodeState(bytes))).toEqual(bytes)
      }
    },
  )

  test('DKMS-21: a DID that nobody registered has no operations, and a refusal is a value', async () => {
    const chain = await new Chain(provider).draw('0 genesis auth=a next=b by a\n1m update by a')
    const update = parseSubmission(utf8(chain.steps[1]?.text ?? ''))
    const context = { net: NET, parameters: chain.parameters, time: START + 60, lost: 0, logIndex: 7 }
    expect(apply(undefined, update, context)).toMatchObject({ ok: false, code: 'UNKNOWN_DID' })
  })

  test('no two drawings have one name', () => {
    const names = DRAWINGS.map(({ rule, title }) => `${rule} ${title}`)
    expect(new Set(names).size).toBe(names.length)
  })
})
