/** A ledger node, agencies and people with wallets, each a process of its own, for tests that drive the programs. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../free-port.ts'
import { Person } from '../story/person.ts'
import { type PartName, System } from '../system.ts'

export interface Town {
  readonly home: string
  readonly system: System
  /** What tells a command where ledger, agency and wallets are. */
  readonly environment: NodeJS.ProcessEnv
  /** Somebody with a folder of their own and no wallet yet, at the agency named or at the first. */
  person(name: string, agency?: PartName): Person
  /** Stops everything and deletes the folder. */
  end(): Promise<void>
}

/** `agencies`: what runs besides the ledger node. `profile`: delays of seconds, or as in life. */
export async function openTown(
  name: string,
  agencies: readonly PartName[] = ['agency'],
  profile: 'development' | 'production' = 'development',
): Promise<Town> {
  const home = mkdtempSync(join(tmpdir(), `keystead-${name}-`))
  const parts: readonly PartName[] = ['ledger', ...agencies]
  const ports = Object.fromEntries(await Promise.all(parts.map(async (part) => [part, await freePort()] as const)))
  const system = await System.start({ home: join(home, 'system'), ports, parts, profile, log: () => {} })
  const environmentAt = (agency: PartName) => ({
    KEYSTEAD_LEDGER_URL: system.url('ledger'),
    KEYSTEAD_AGENCY_URL: system.url(agency),
    KEYSTEAD_HOME: home,
    ...(parts.includes('web') ? { KEYSTEAD_WEB_URL: `${system.url('web')}/` } : {}),
  })
  return {
    home,
    system,
    environment: environmentAt('agency'),
    person: (who, agency = 'agency') => new Person(who, home, environmentAt(agency)),
    end: async () => {
      await system.stop()
      rmSync(home, { recursive: true, force: true })
    },
  }
}
