/** `keystead ledger init`, `found`, `join`, `start`, `status`, as an operator types them (`docs/guides/operator.md`). */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { COMETBFT_VERSION, findCometbft, findGo } from '@keystead/ledger'
import { afterAll, describe, expect, test } from 'vitest'
import { freePort } from '../../../scripts/free-port.ts'

const folder = mkdtempSync(join(tmpdir(), 'ks-op-'))
const cli = fileURLToPath(new URL('main.ts', import.meta.url))
const running: ChildProcess[] = []
afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function start(args: string[], env: NodeJS.ProcessEnv = {}, cwd = process.cwd()): ChildProcess {
  const child = spawn(process.execPath, ['--conditions=@keystead/source', cli, '--json', 'ledger', ...args], {
    env: { ...process.env, ...env },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.push(child)
  return child
}

async function run(args: string[], env: NodeJS.ProcessEnv = {}, cwd?: string) {
  const child = start(args, env, cwd)
  const [out, err]: [string[], string[]] = [[], []]
  child.stdout?.on('data', (chunk) => out.push(String(chunk)))
  child.stderr?.on('data', (chunk) => err.push(String(chunk)))
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
  const json = (text: string) => JSON.parse(text.trim().split('\n').at(-1) || '{}')
  const said = err.join('')
  return { status, data: json(out.join('')), said, error: status === 0 ? undefined : json(said).error }
}

const home = (name: string): string => join(folder, name)

describe('operating a validator', () => {
  test('without CometBFT the command says so, and a folder without a validator says what to do first', async () => {
    const nowhere = { KEYSTEAD_COMETBFT: join(folder, 'nowhere') }
    expect((await run(['init', '--home', home('x')], nowhere)).error).toBe('COMETBFT_MISSING')
    expect((await run(['found', '--home', home('x')], nowhere)).error).toBe('NOT_INITIALIZED')
    writeFileSync(join(folder, 'bad.json'), '{"v":1}')
    expect((await run(['join', join(folder, 'bad.json'), '--home', home('x')])).status).not.toBe(0)
  })
})

const go = findGo()
/** Where Go has the release already, nothing need be fetched and little compiled. */
const goHasIt =
  go !== undefined &&
  existsSync(
    join(
      execFileSync(go, ['env', 'GOMODCACHE'], { encoding: 'utf8' }).trim(),
      `github.com/cometbft/cometbft@${COMETBFT_VERSION}`,
    ),
  )

describe.skipIf(!goHasIt)('operating a validator with Go', { timeout: 600_000 }, () => {
  test('where CometBFT is missing, init says so and has Go install it, unless it is told not to', async () => {
    const bare = {
      KEYSTEAD_COMETBFT: undefined,
      KEYSTEAD_HOME: home('data'),
      PATH: `${dirname(go as string)}:/usr/bin:/bin`,
    }
    const refused = await run(['init', '--home', home('go'), '--no-install'], bare, folder)
    expect(refused).toMatchObject({ status: 69, error: 'COMETBFT_MISSING' })
    const made = await run(['init', '--home', home('go'), '--name', 'go'], bare, folder)
    expect(made).toMatchObject({ status: 0, data: { name: 'go' } })
    expect(made.said).toContain(`builds ${COMETBFT_VERSION} from its sources`)
    expect(findCometbft({ KEYSTEAD_HOME: home('data') })).toBe(join(home('data'), 'bin', 'cometbft'))
  })
})

describe.skipIf(!findCometbft())('operating a validator with cometbft', { timeout: 180_000 }, () => {
  test('four operators make one network, and a stranger follows it', async () => {
    for (const [i, name] of ['a', 'b', 'c', 'd', 'e'].entries()) {
      const address = `127.0.0.1:${30_000 + i}`
      const made = await run(['init', '--home', home(name), '--name', name, '--listen', address, '--address', address])
      expect(made).toMatchObject({ status: 0, data: { name, address } })
    }
    expect((await run(['init', '--home', home('a')])).error).toBe('ALREADY_INITIALIZED')
    const others = ['b', 'c', 'd'].map((name) => join(home(name), 'validator.json'))
    const network = await run(['found', ...others, '--home', home('a'), '--chain-id', 'example-net-1'])
    expect(network).toMatchObject({ status: 0, data: { chainId: 'example-net-1' } })
    const file = network.data.file as string
    const joined = await Promise.all(['b', 'e'].map((name) => run(['join', file, '--home', home(name)])))
    expect(joined.map(({ data }) => data.validator)).toEqual([true, false])
    expect(joined[0]?.data.network).toBe(network.data.network)
    const twice = [join(home('b'), 'validator.json'), join(home('b'), 'validator.json')]
    expect((await run(['found', ...twice, '--home', home('c')])).error).toBe('BAD_NETWORK')
  })

  test('one validator from nothing: init, found, start, status, stop', async () => {
    const address = `127.0.0.1:${await freePort()}`
    const at = ['--home', home('one')]
    await run(['init', ...at, '--listen', address, '--address', address, '--heartbeat', '1'])
    await run(['found', ...at, '--profile', 'development'])
    const port = String(await freePort())
    const node = start(['start', ...at, '--port', port])
    const ready = await new Promise<string>((resolve) =>
      createInterface({ input: node.stdout as NonNullable<ChildProcess['stdout']> }).once('line', resolve),
    )
    const { url, network } = JSON.parse(ready) as { url: string; network: string }
    const status = await run(['status', ...at, '--url', url])
    expect(status).toMatchObject({ status: 0, data: { network, engine: 'cometbft', level: 'operator-signed' } })
    expect(status.data.height).toBeGreaterThan(0)
    const ended = new Promise<number | null>((resolve) => node.once('exit', resolve))
    node.kill('SIGTERM')
    expect(await ended).toBe(0)
  })
})
