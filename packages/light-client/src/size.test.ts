/** LIGHT-6: what a browser loads to follow a chain, cryptography included, and that it runs there. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { base64url } from '@keystead/core'
import { chromium } from 'playwright-core'
import { build, type Rolldown } from 'vite'
import { beforeAll, expect, test } from 'vitest'
import { encodeHeadProof } from './bundle.ts'
import { encodeLightBlock } from './light-block.ts'
import { TestChain, TestValidator } from './testing/chain.ts'

const MAX_GZIPPED = 40 * 1024
const binary = process.env['KEYSTEAD_CHROMIUM'] ?? '/usr/bin/chromium'
const HTML = `<!doctype html><script type="module">import * as light from '/page.js'; globalThis.light = light</script>`
let code: string

beforeAll(async () => {
  const built = (await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@keystead/source', 'browser', 'module', 'import', 'default'] },
    build: {
      target: 'es2024',
      write: false,
      lib: { entry: fileURLToPath(new URL('./testing/page.ts', import.meta.url)), formats: ['es'], fileName: 'page' },
    },
  })) as Rolldown.RolldownOutput[]
  const [chunk] = built.flatMap(({ output }) => output)
  if (chunk?.type !== 'chunk') throw new Error('nothing was built')
  code = chunk.code
})

test('LIGHT-6: fewer than 40 KB gzipped', () => {
  const bytes = gzipSync(code, { level: 9 }).length
  expect(bytes).toBeGreaterThan(10_000)
  expect(bytes).toBeLessThan(MAX_GZIPPED)
})

test.skipIf(!existsSync(binary))(
  'LIGHT-6: in chromium, a chain whose validators change is followed, and a changed byte refused',
  async () => {
    const sets = new Map([
      [1, ['a', 'b', 'c', 'd'].map((name) => new TestValidator(name))],
      [50, ['c', 'd', 'e', 'f'].map((name) => new TestValidator(name))],
    ])
    const chain = new TestChain({ sets })
    const heights = Array.from({ length: 100 }, (_, i) => i + 1)
    const blocks = heights.map((height) => base64url.encode(encodeLightBlock(chain.lightBlock(height))))
    const head = base64url.encode(encodeHeadProof({ head: chain.head(100) }))
    const browser = await chromium.launch({
      executablePath: binary,
      args: ['--no-sandbox', '--disable-gpu', '--disable-sync'],
    })
    try {
      const page = await browser.newPage()
      await page.route('http://page.test/**', (route) =>
        route.request().url().endsWith('.js')
          ? route.fulfill({ contentType: 'text/javascript', body: code })
          : route.fulfill({ contentType: 'text/html', body: HTML }),
      )
      await page.goto('http://page.test/')
      await page.waitForFunction('globalThis.light !== undefined')
      const said = await page.evaluate(
        async ({ blocks, head, genesis, now }) => {
          // biome-ignore lint/suspicious/noExplicitAny: what the page's own script put there
          const { light } = globalThis as any
          const node = {
            name: 'node',
            lightBlock: async (height: number) => light.decodeLightBlock(light.base64url.decode(blocks[height - 1])),
          }
          const look = async (bytes: Uint8Array) => {
            const clock = { now: () => now * 1000, sleep: async () => {} }
            const trust = new light.Trust({ genesis, versions: new Set([1]), pins: light.memoryPins(), clock })
            try {
              return (await trust.accept(light.decodeHeadProof(bytes), node, [])).level
            } catch (error) {
              return (error as { code?: string }).code
            }
          }
          const honest = light.base64url.decode(head)
          // A bit of the last signature, of the header and of the roots.
          const lies = [honest.length - 120, 100, honest.length - 10].map((at) => {
            const lie = honest.slice()
            lie[at] ^= 1
            return lie
          })
          return [await look(honest), ...(await Promise.all(lies.map(look)))]
        },
        { blocks, head, genesis: chain.genesis, now: chain.time(100).seconds },
      )
      expect(said[0]).toBe('bft')
      for (const refusal of said.slice(1)) expect(['PROOF_INVALID', 'BAD_ENCODING', 'WRONG_NETWORK']).toContain(refusal)
    } finally {
      await browser.close()
    }
  },
)
