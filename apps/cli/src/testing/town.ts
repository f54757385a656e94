/** A ledger node, an agency and people with wallets, each a process of its own, for tests of the command. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../../../scripts/free-port.ts'
import { Person } from '../../../../scripts/story/person.ts'
import { System } from '../../../../scripts/system.ts'

export interface Town {
  readonly home: string
  readonly system: System
  /** What tells a command where ledger, agency and wallets are. */
  readonly environment: NodeJS.ProcessEnv
  /** Somebody with a folder of their own and no wallet yet. */
  person(name: string): Person
  /** Stops everything and deletes the folder. */
  end(): Promise<void>
}

export async function openTown(name: string): Promise<Town> {
  const home = mkdtempSync(join(tmpdir(), `keystead-${name}-`))
  const system = await System.start({
    home: join(home, 'system'),
    ports: { ledger: await freePort(), agency: await freePort(), web: 0 },
    parts: ['ledger', 'agency'],
    profile: 'development',
    log: () => {},
  })
  const environment = {
    KEYSTEAD_LEDGER_URL: system.url('ledger'),
    KEYSTEAD_AGENCY_URL: system.url('agency'),
    KEYSTEAD_HOME: home,
  }
  return {
    home,
    system,
    environment,
    person: (who) => new Person(who, home, environment),
    end: async () => {
      await system.stop()
      rmSync(home, { recursive: true, force: true })
    },
  }
}
