/** Installing CometBFT where it is missing. Go is a short program of this test, but in the last. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { COMETBFT_VERSION } from './binary.ts'
import { COMETBFT_SUM, findGo, provideCometbft } from './install.ts'

const started = process.cwd()
let folder: string
let said: string[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ks-install-'))
  // Away from a project that has a CometBFT of its own.
  process.chdir(folder)
  said = []
})
afterEach(() => {
  process.chdir(started)
  rmSync(folder, { recursive: true, force: true })
})

const say = (line: string): void => void said.push(line)
const bin = (): string => join(folder, 'home', 'bin')

/** A machine without CometBFT, on which Go does this when it is to install. */
function machine(install: string, sum = COMETBFT_SUM): NodeJS.ProcessEnv {
  const programs = join(folder, 'programs')
  mkdirSync(programs, { recursive: true })
  const lines = `${join(folder, 'home')}: go1.26\\n\\tmod\\tgithub.com/cometbft/cometbft\\t${COMETBFT_VERSION}\\t${sum}\\n`
  const go = `#!/bin/sh
case "$1" in
  env) echo 'https://proxy.example' ;;
  install) ${install} ;;
  version) printf '${lines}' ;;
esac
`
  writeFileSync(join(programs, 'go'), go)
  chmodSync(join(programs, 'go'), 0o755)
  return { PATH: `${programs}:/usr/bin:/bin`, GOROOT: join(folder, 'none'), KEYSTEAD_HOME: join(folder, 'home') }
}

const BUILDS = `echo 'go: downloading x' >&2; printf '#!/bin/sh\\necho 0.38.25\\n' > "$GOBIN/cometbft"; chmod +x "$GOBIN/cometbft"`

describe('CometBFT', () => {
  test('is built by Go into the data folder where it is missing, said plainly, and found there from then on', async () => {
    const env = machine(BUILDS)
    expect(await provideCometbft({ say, env })).toBe(join(bin(), 'cometbft'))
    expect(said.join('\n')).toContain(`builds ${COMETBFT_VERSION} from its sources into ${bin()}`)
    expect(readdirSync(bin())).toEqual(['cometbft'])
    said = []
    expect(await provideCometbft({ say, env: machine('exit 1') })).toBe(join(bin(), 'cometbft'))
    expect(said).toEqual([])
  })

  test('is checked against Go’s checksum database, whatever the machine is set to, and fetched by its proxy', async () => {
    const seen = join(folder, 'seen')
    const off = {
      GOSUMDB: 'off',
      GONOSUMDB: '*',
      GOPRIVATE: '*',
      GOINSECURE: '*',
      GOFLAGS: '-insecure',
      GONOPROXY: '*',
    }
    await provideCometbft({ say, env: { ...machine(`env > ${seen}; ${BUILDS}`), ...off } })
    const set = readFileSync(seen, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('GO'))
    const rest = set.filter((line) => !/^GO(BIN|ROOT)=/.test(line))
    expect(rest.sort()).toEqual(['GOENV=off', 'GOPROXY=https://proxy.example', 'GOSUMDB=sum.golang.org'])
  })

  test('with another checksum than the release’s is not kept', async () => {
    const env = machine(BUILDS, 'h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=')
    await expect(provideCometbft({ say, env })).rejects.toMatchObject({ code: 'COMETBFT_INSTALL_FAILED' })
    expect(readdirSync(bin())).toEqual([])
  })

  test('that Go cannot get leaves nothing behind, and what Go said last is told', async () => {
    const why = 'dial tcp 127.0.0.1:9: connect: connection refused'
    const failed = await provideCometbft({ say, env: machine(`echo '${why}' >&2; exit 1`) }).catch((error) => error)
    expect(failed).toMatchObject({ code: 'COMETBFT_INSTALL_FAILED', message: expect.stringContaining(why) })
    expect(failed.message).toContain('npm start')
    expect(readdirSync(bin())).toEqual([])
  })

  test('is not asked of Go where a program is named, or no Go is here: then the error says what runs without', async () => {
    const named = { ...machine(BUILDS), KEYSTEAD_COMETBFT: join(folder, 'nowhere') }
    const without = { ...machine(BUILDS), PATH: join(folder, 'empty') }
    for (const env of [named, without])
      await expect(provideCometbft({ say, env })).rejects.toMatchObject({
        code: 'COMETBFT_MISSING',
        message: expect.stringContaining('npm start'),
      })
    expect(existsSync(bin())).toBe(false)
  })

  test('or Go that does not run is told with its code', async () => {
    const broken = machine(BUILDS)
    chmodSync(join(folder, 'programs', 'go'), 0o644)
    await expect(provideCometbft({ say, env: broken })).rejects.toMatchObject({ code: 'COMETBFT_INSTALL_FAILED' })
    const named = { KEYSTEAD_COMETBFT: join(folder, 'programs', 'go') }
    await expect(provideCometbft({ say, env: named })).rejects.toMatchObject({ code: 'COMETBFT_MISSING' })
  })

  test('is built also where the folder of another installation is gone once it was listed', async () => {
    mkdirSync(bin(), { recursive: true })
    // A name in the list with nothing behind it, as then.
    symlinkSync(join(folder, 'nowhere'), join(bin(), '.installing-gone'))
    expect(await provideCometbft({ say, env: machine(BUILDS) })).toBe(join(bin(), 'cometbft'))
  })

  test('being built stops with the command, and what a killed one left is removed after a while', async () => {
    const stop = new AbortController()
    const env = machine('exec sleep 60')
    const left = join(bin(), '.installing-left')
    mkdirSync(left, { recursive: true })
    const building = provideCometbft({ say, env, signal: stop.signal })
    setTimeout(() => stop.abort(new Error('interrupted')), 200)
    await expect(building).rejects.toThrow('interrupted')
    expect(readdirSync(bin())).toEqual(['.installing-left'])
    utimesSync(left, 0, 0)
    await provideCometbft({ say, env: machine(BUILDS) })
    expect(readdirSync(bin())).toEqual(['cometbft'])
  })
})

describe.skipIf(!findGo())('with Go itself', () => {
  const go = findGo() as string
  const here = () => ({
    PATH: `${dirname(go)}:/usr/bin:/bin`,
    HOME: process.env['HOME'],
    KEYSTEAD_HOME: join(folder, 'home'),
  })

  test('a proxy that cannot be reached is told', async () => {
    const away = { GOPROXY: 'http://127.0.0.1:9', GOMODCACHE: join(folder, 'modules') }
    const failed = await provideCometbft({ say, env: { ...here(), ...away } }).catch((error) => error)
    expect(failed).toMatchObject({ code: 'COMETBFT_INSTALL_FAILED', message: expect.stringContaining('refused') })
  })
})
