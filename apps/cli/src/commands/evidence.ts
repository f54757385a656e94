/** What the wallet kept when a ledger or a contact's log contradicted itself (PROOF-15, RELATIONSHIP-35): for others to check. */
import { readFileSync } from 'node:fs'
import { checkForkEvidence } from '@keystead/agent/edge'
import { type Json, type JsonObject, KeysteadError, parseJson } from '@keystead/core'
import type { Command } from 'commander'
import { EXIT } from '../exit.ts'
import { iso } from '../output.ts'
import { action, type Run, withWallet } from '../run.ts'

const KINDS: Readonly<Record<string, string>> = {
  rollback: 'the ledger showed a history that does not continue the one this wallet had seen',
  fork: 'a contact was shown another history than this wallet',
  attack: 'two nodes showed different blocks of one height, both signed',
  checkpoint: 'another source named another block than the ledger node',
  'relationship-fork': 'two key changes of a contact that contradict each other, both signed by their keys',
}

/** Sixteen entries of 16 KiB each, and some. */
const MAX_EVIDENCE_BYTES = 4 * 1024 * 1024

export function evidenceCommand(program: Command): void {
  program
    .command('evidence')
    .description('signed contradictions that this wallet has met, of ledgers and contacts; --json gives them whole')
    .option('--check <file>', 'whether what somebody else kept proves anything (from their --json)')
    .action(
      action(program, (run, options: { check?: string }) =>
        options.check === undefined ? list(run) : check(run, options.check),
      ),
    )
}

function list(run: Run): Promise<number> {
  return withWallet(run, async ({ agent }) => {
    const evidence = await agent.evidence()
    const lines = evidence.map(({ kind, network, contact, at }) => {
      const when = typeof at === 'number' ? iso(Math.floor(at / 1000)) : 'unknown time'
      return `${when}  ${kind}  ${network ?? contact}: ${KINDS[String(kind)] ?? 'of a kind not known here'}`
    })
    run.out.result(lines.length > 0 ? lines : ['None: nothing has contradicted itself.'], { evidence })
    return evidence.length > 0 ? EXIT.negative : EXIT.ok
  })
}

async function check(run: Run, file: string): Promise<number> {
  const checked = readEvidence(file).map((item) => ({ kind: String(item['kind']), proves: checkForkEvidence(item) }))
  const lines = checked.map(({ kind, proves }) => {
    if (proves === undefined) return `${kind}: not checked here`
    return proves ? `${kind}: proven, the same keys have signed both` : `${kind}: proves nothing`
  })
  run.out.result(lines, { checked: checked.map(({ kind, proves = null }) => ({ kind, proves })) })
  return checked.length > 0 && checked.every(({ proves }) => proves === true) ? EXIT.ok : EXIT.negative
}

/** What `keystead evidence --json` printed. Throws `BAD_EVIDENCE`. */
function readEvidence(file: string): JsonObject[] {
  try {
    const value = parseJson(readFileSync(file), MAX_EVIDENCE_BYTES) as { evidence?: Json }
    if (!Array.isArray(value.evidence)) throw new Error('no evidence in it')
    return value.evidence as JsonObject[]
  } catch (cause) {
    throw new KeysteadError('BAD_EVIDENCE', `${file} is not what "keystead evidence --json" printed`, { cause })
  }
}
