/** Whom this wallet asks beside its ledger node (PROOF-13), and whose cosignatures it wants to see (WITNESS-4). */
import { isKeysteadError, type Json, KeysteadError } from '@keystead/core'
import { type NetworkGenesis, networkHash } from '@keystead/did-dkms'
import { fetchGenesis, parseReaderSettings, type ReaderSettings, readerSettingsToJson } from '@keystead/light-client'
import type { Command } from 'commander'
import { readConfig, writeConfig } from '../config.ts'
import { action, type Run } from '../run.ts'

export interface TrustFlags {
  readonly otherLedger?: readonly string[]
  readonly alone?: boolean
  readonly checkpoint?: string
  readonly witness?: readonly string[]
  readonly unwitnessed?: boolean
  readonly threshold?: string
  readonly witnessAge?: string
}

/** The options of `init` and `network trust`. */
export function trustOptions(command: Command): Command {
  return command
    .option('--other-ledger <urls...>', 'other nodes: one of them must show each new head too')
    .option(
      '--checkpoint <height:hash>',
      'a block that somebody else told you, for a wallet that is new or was long away',
    )
    .option('--witness <keys...>', 'verifier keys of witnesses, as their /health shows them')
    .option('--threshold <n>', 'how many of the witnesses must vouch (all of them)')
    .option('--witness-age <seconds>', 'how old their word may be (600)')
}

export function trustCommand(network: Command, program: Command): void {
  trustOptions(network.command('trust'))
    .description(
      'what this wallet demands before it believes a ledger: other nodes, witnesses; without options, show it',
    )
    .option('--alone', 'believe the one ledger node without another')
    .option('--unwitnessed', 'ask for no witnesses')
    .action(action(program, trust))
}

async function trust({ out, folder }: Run, flags: TrustFlags): Promise<void> {
  const config = readConfig(folder)
  const settings = changedTrust(config.trust, flags)
  if (Object.keys(flags).length > 0) {
    for (const note of await checkNodes(settings, config.genesis)) out.note(note)
    writeConfig(folder, { ...config, trust: settings })
  }
  out.result([`Ledger     ${config.ledger}`, ...describeTrust(settings)], {
    ledger: config.ledger,
    ...readerSettingsToJson(settings),
  })
}

/** What is said replaces what was; the rest stays. Throws errors of `parseReaderSettings`. */
function changedTrust(known: ReaderSettings, flags: TrustFlags): ReaderSettings {
  const json = readerSettingsToJson(known) as {
    otherNodes?: string[]
    checkpoint?: { height: number; hash: string }
    witnesses?: { keys: string[]; threshold: number; maxAge: number }
  }
  const { otherLedger, alone, checkpoint, witness, unwitnessed, threshold, witnessAge } = flags
  const [height, hash = ''] = checkpoint?.split(':') ?? []
  const block = checkpoint === undefined ? json.checkpoint : { height: Number(height), hash }
  const otherNodes = otherLedger ?? (alone ? [] : (json.otherNodes ?? []))
  const keys = witness ?? (unwitnessed ? [] : (json.witnesses?.keys ?? []))
  if (keys.length === 0 && (threshold ?? witnessAge) !== undefined)
    throw new KeysteadError('BAD_FIELD', 'a threshold and an age are of witnesses: name them with --witness')
  const needed =
    threshold === undefined ? ((witness ? undefined : json.witnesses?.threshold) ?? keys.length) : Number(threshold)
  const maxAge = witnessAge === undefined ? json.witnesses?.maxAge : Number(witnessAge)
  return parseReaderSettings({
    ...(otherNodes.length > 0 ? { otherNodes } : {}),
    ...(block ? { checkpoint: block } : {}),
    ...(keys.length > 0 ? { witnesses: { keys, threshold: needed, ...(maxAge === undefined ? {} : { maxAge }) } } : {}),
  } as Json)
}

/** What a new wallet demands: as its command says, other nodes also as `KEYSTEAD_LEDGER_OTHERS` does, with commas between. */
export async function newTrust(
  flags: TrustFlags,
  genesis: NetworkGenesis,
  note: (text: string) => void,
): Promise<ReaderSettings> {
  const usual = (process.env['KEYSTEAD_LEDGER_OTHERS'] ?? '').split(',').filter(Boolean)
  const trust = changedTrust({}, { otherLedger: usual, ...flags })
  for (const text of await checkNodes(trust, genesis)) note(text)
  return trust
}

/** Rejects with `WRONG_NETWORK` for a node of another network; resolves with the nodes that are away, which may come back. */
async function checkNodes({ otherNodes = [] }: ReaderSettings, genesis: NetworkGenesis): Promise<string[]> {
  const notes = await Promise.all(
    otherNodes.map(async (url) => {
      try {
        await fetchGenesis(fetch, url, networkHash(genesis))
        return []
      } catch (error) {
        if (!isKeysteadError(error, 'LEDGER_UNREACHABLE')) throw error
        return [`${error.message}; it counts when it is back`]
      }
    }),
  )
  return notes.flat()
}

function describeTrust({ otherNodes = [], checkpoint, witnessPolicy }: ReaderSettings): string[] {
  return [
    ...(checkpoint ? [`Block      ${checkpoint.height}:${checkpoint.hash}, as you were told`] : []),
    otherNodes.length > 0
      ? `Confirmed  by one of ${otherNodes.join(', ')}`
      : 'Confirmed  by nobody: "keystead network trust --other-ledger <url>" names another node',
    ...(witnessPolicy
      ? [
          `Witnesses  ${witnessPolicy.threshold} of ${witnessPolicy.witnesses.map(({ name }) => name).join(', ')}, at most ${witnessPolicy.maxAge} s old`,
        ]
      : ['Witnesses  none: "keystead network trust --witness <key>" names them']),
  ]
}
