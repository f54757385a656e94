/** A full disk, under wallet, agency and ledger: said so, nothing lost, and everything goes on when there is room again. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../../scripts/free-port.ts'
import { Person } from '../../../scripts/story/person.ts'
import { System } from '../../../scripts/system.ts'

const home = mkdtempSync(join(tmpdir(), 'keystead-full-'))
const disk = join(home, 'disk')
const mounted = spawnSync('sh', ['-c', `mkdir -p ${disk} && mount -t tmpfs -o size=24m tmpfs ${disk}`]).status === 0

/** Takes all room that is left, or gives it back. */
function fill(full: boolean): void {
  rmSync(join(disk, 'fill'), { force: true })
  if (!full) return
  const { bavail, bsize } = statfsSync(disk)
  writeFileSync(join(disk, 'fill'), new Uint8Array(bavail * bsize))
}

describe.skipIf(!mounted)('tmpfs: a full disk', () => {
  let system: System
  let near: Person
  let far: Person

  beforeAll(async () => {
    system = await System.start({
      home: disk,
      ports: { ledger: await freePort(), agency: await freePort(), web: 0 },
      parts: ['ledger', 'agency'],
      profile: 'development',
      log: () => {},
    })
    const environment = { KEYSTEAD_LEDGER_URL: system.url('ledger'), KEYSTEAD_AGENCY_URL: system.url('agency') }
    near = new Person('near', disk, environment)
    far = new Person('far', home, environment)
    for (const person of [near, far]) await person.run(['init'])
    const { data } = await far.run(['invite'])
    await far.listening(() => near.run(['accept', data.url, '--wait', '30']))
  })

  afterAll(async () => {
    await system?.stop()
    execFileSync('umount', [disk])
    rmSync(home, { recursive: true, force: true })
  })

  it('under the wallet is DISK_FULL with its own exit status, and the wallet is whole', async () => {
    fill(true)
    expect((await near.run(['rotate'], 74)).error).toBe('DISK_FULL')
    fill(false)
    expect((await near.run(['rotate'])).data.identities).toBe(1)
  })

  it('under ledger and agency lets operations and messages wait in the wallet, and loses none', async () => {
    fill(true)
    const { data } = await far.run(['rotate'], 75)
    expect(data.operations + data.waiting).toBeGreaterThan(0)
    fill(false)
    const { data: after } = await far.run(['sync'])
    expect(after.operations + after.waiting).toBe(0)
    await near.sync()
    const { data: verdict } = await far.listening(() => near.run(['verify', 'far', '--seconds', '30']))
    expect(verdict.result).toBe('proven')
  })
})
