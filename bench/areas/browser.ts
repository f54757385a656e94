/** The vault in Chromium: what whoever types a passphrase waits for. Nothing where there is no Chromium. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { build } from 'vite'
import { type Budget, FULL, median, type Row } from '../measure.ts'

const BINARY = process.env['KEYSTEAD_CHROMIUM'] ?? '/usr/bin/chromium'
/** A secure context that no server has: every request is answered here. */
const ORIGIN = 'http://localhost:1/'

export async function browser(budget: Budget): Promise<Row[]> {
  if (!existsSync(BINARY)) return []
  const script = await bundle()
  const running = await chromium.launch({ executablePath: BINARY, args: ['--no-sandbox', '--disable-gpu'] })
  try {
    const page = await running.newPage()
    await page.route(`${ORIGIN}**`, (route) =>
      route.request().url().endsWith('.js')
        ? route.fulfill({ body: script, contentType: 'text/javascript' })
        : route.fulfill({
            body: '<!doctype html><script type="module" src="/vault.js"></script>',
            contentType: 'text/html',
          }),
    )
    await page.goto(ORIGIN)
    await page.waitForFunction('window.runVaultBench !== undefined')
    const { first, open, argon } = await page.evaluate(
      (rounds) => window.runVaultBench(rounds),
      budget === FULL ? 15 : 3,
    )
    const row = (what: string, value: number): Row => ({
      area: 'browser',
      what,
      value,
      unit: 'ms',
      baseline: 'Argon2id alone',
      ratio: value / median(argon),
      target: 500,
    })
    return [
      row('open and lock (Argon2id, 64 MiB, 3 passes)', median(open)),
      row('the same, the first time in a page, self-tests too', first),
    ]
  } finally {
    await running.close()
  }
}

async function bundle(): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: ['@keystead/source', 'browser', 'module', 'import', 'default'] },
    build: {
      write: false,
      target: 'es2024',
      lib: { entry: fileURLToPath(new URL('../pages/vault.ts', import.meta.url)), formats: ['es'], fileName: 'vault' },
    },
  })
  const [output] = [built].flat()
  const [chunk] = output && 'output' in output ? output.output : []
  if (!chunk || !('code' in chunk)) throw new Error('the page was not bundled')
  return chunk.code
}
