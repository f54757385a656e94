/** The whole story, as its reader plays it: every part a process, killed and started again between any two steps. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('story.ts', import.meta.url))
const MINUTES = 60_000

function play(...args: string[]): Promise<{ status: number | null; text: string }> {
  const child = spawn(process.execPath, ['--conditions=@keystead/source', script, ...args], {
    env: { ...process.env, KEYSTEAD_LEDGER_URL: undefined, KEYSTEAD_AGENCY_URL: undefined },
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => {
      text += data.toString()
    })
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, text })))
}

describe('the story', () => {
  it(
    'holds from first key to recovery, with ledger node and agency killed between any two steps',
    async () => {
      const { status, text } = await play('--kill')
      expect(text).toContain('The story holds')
      for (const step of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) expect(text).toMatch(new RegExp(` ${step}\\. `))
      expect(status).toBe(0)
    },
    15 * MINUTES,
  )
})
