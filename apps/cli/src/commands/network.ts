/**
 * Governing a network (`spec/network.md`): keys of its members, what stands and what is about to change, and changes that pass
 * from member to member as a file until enough have signed.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { Fields, type Json, KeysteadError, parseJson, systemClock } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import {
  type Authority,
  keyDigestOf,
  type NetworkOperation,
  type NetworkState,
  networkHash,
  networkOperationAfter,
  parseAuthority,
  parseNetworkSubmissionJson,
  parseParameterChange,
  signOperation,
  type UnsignedNetworkOperation,
} from '@keystead/did-dkms'
import { fetchGenesis, LedgerClient, memoryPins, type VerifiedNetwork } from '@keystead/light-client'
import type { Command } from 'commander'
import { DEFAULT_LEDGER } from '../config.ts'
import { EXIT } from '../exit.ts'
import { iso } from '../output.ts'
import { action, type Run } from '../run.ts'
import { trustCommand } from './trust.ts'

const MAX_FILE_BYTES = 64 * 1024
/** How long members have to sign: a working week. */
const SIGNING_SECONDS = 7 * 86_400

/** The node's code is loaded only by those who run or govern one. */
const node = () => import('@keystead/ledger')

type Members = Parameters<typeof networkOperationAfter>[3]

interface Where {
  readonly ledger: string
  readonly network?: string
}
interface HowSigned extends Where {
  readonly key: readonly string[]
  readonly out?: string
}

export function networkCommands(program: Command): void {
  const network = program.command('network').description('govern a network: validators, parameters, protocol version')
  const at = (command: Command): Command =>
    command
      .option('--ledger <url>', 'a ledger node', DEFAULT_LEDGER)
      .option('--network <hash>', 'the network’s name, to be sure that it is this one')
  const signed = (command: Command): Command =>
    at(command)
      .option('--key <file...>', 'governance keys of yours to sign with', [])
      .option('--out <file>', 'where the proposal goes when others must sign too')

  network
    .command('key <file>')
    .description('make governance keys of a member; keep the file off every ledger node')
    .action(action(program, makeKey))
  at(network.command('card <file>'))
    .description('what the others need of a member: key in force and digest of the next')
    .option('--rotate', 'of the keys that come next, for "keystead network rotate"')
    .action(action(program, showCard))
  network
    .command('governance <cards...>')
    .description('the governance that these members make, for "keystead ledger found --governance"')
    .requiredOption('--threshold <n>', 'how many must sign')
    .action(action(program, showGovernance))
  at(network.command('show'))
    .description('who validates and governs, and what is about to change')
    .action(action(program, show))
  signed(network.command('validators <key=power...>'))
    .description('change validators; power 0 removes one')
    .option('--handover', 'from one node to a network: these validators and no others go on with the chain')
    .action(action(program, changeValidators))
  signed(network.command('parameters <name=value...>'))
    .description('change delays, counts and rates')
    .action(action(program, changeParameters))
  signed(network.command('upgrade <version>'))
    .description('go on to the next protocol version')
    .requiredOption('--rules <hash>', 'hash of its normative text')
    .requiredOption('--at <time>', 'when, such as 2027-01-31T12:00:00Z')
    .action(action(program, upgrade))
  signed(network.command('rotate <cards...>'))
    .description('new governance keys, those that were committed to')
    .requiredOption('--threshold <n>', 'how many must sign from then on')
    .action(action(program, rotate))
  signed(network.command('cancel <number>'))
    .description('take back what has not taken effect yet')
    .action(
      action(program, (run, number: string, how: HowSigned) =>
        propose(run, how, () => ({ type: 'cancel', of: whole(number) })),
      ),
    )
  signed(network.command('sign <proposal>'))
    .description('add your signature to a proposal, and submit it when there are enough')
    .action(action(program, sign))
  trustCommand(network, program)
  network
    .command('handover')
    .description('after a handover: write its document for the new validators, and destroy the old key')
    .option('--data <folder>', 'the old node’s data', process.env['KEYSTEAD_LEDGER_DATA'] ?? '.keystead/ledger')
    .option('--signer <folder>', 'the old node’s key (default: beside the data)')
    .requiredOption('--out <file>', 'the document')
    .action(action(program, handover))
}

async function makeKey({ out }: Run, file: string): Promise<void> {
  const { GovernanceKey } = await node()
  const card = await GovernanceKey.make(file, nodeKeyProvider()).card()
  out.result([`Keys made in ${file}; keep it where no ledger node is.`, `key ${card.k}`], { file, ...card })
}

async function showCard({ out }: Run, file: string, options: Where & { rotate?: boolean }): Promise<void> {
  const { GovernanceKey } = await node()
  const key = GovernanceKey.open(file, nodeKeyProvider())
  const { auth } = options.rotate ? (await read(options)).network.governance : {}
  const next = await Promise.all((auth?.next ?? []).map(({ h }) => key.cardAfter(h)))
  const card = options.rotate ? next.find((one) => one !== undefined) : await key.card()
  if (!card) throw new KeysteadError('NOT_FOUND', 'the network has committed to no key of this file')
  out.result(JSON.stringify(card), card)
}

async function showGovernance({ out }: Run, files: readonly string[], { threshold }: { threshold: string }) {
  const authority = await governance(files, threshold)
  out.result(JSON.stringify(authority, null, 2), authority)
}

async function governance(files: readonly string[], threshold: string): Promise<Authority> {
  const { governanceOf, parseGovernanceCard } = await node()
  return governanceOf(
    files.map((file) => parseGovernanceCard(readJson(file))),
    whole(threshold),
  )
}

async function read({ ledger, network }: Where): Promise<VerifiedNetwork & { client: LedgerClient }> {
  const genesis = await fetchGenesis(fetch, ledger, network)
  const client = new LedgerClient({ url: ledger, genesis, fetch, pins: memoryPins(), clock: systemClock })
  return { client, ...(await client.network()) }
}

async function show({ out }: Run, where: Where): Promise<void> {
  const { network, level, age, client } = await read(where)
  const { governance: leaf, validators, parameters, protocol } = network
  const { auth } = leaf
  const waits = [
    ...(validators.pending
      ? [`  waits        validators, operation ${validators.pending.seq}, from ${due(validators.pending)}`]
      : []),
    ...(parameters.pending
      ? [`  waits        parameters, operation ${parameters.pending.seq}, from ${due(parameters.pending)}`]
      : []),
    ...(protocol.pending
      ? [
          `  waits        version ${protocol.pending.version}, operation ${protocol.pending.seq}, at ${iso(protocol.pending.time)}`,
        ]
      : []),
  ]
  out.result(
    [
      `${client.genesis.chainId}  (${client.net})  ${level}, ${age} s old`,
      `  protocol     version ${protocol.version}`,
      `  governance   ${auth ? `${auth.threshold} of ${auth.keys.length}` : 'none: nothing here can change'}, operation ${leaf.seq}`,
      ...validators.set.map(({ k, power }) => `  validator    ${k}  power ${power}`),
      ...Object.entries(parameters.now).map(([name, value]) => `  parameter    ${name} ${value}`),
      ...waits,
    ],
    { network: client.net, level, age, ...network },
  )
}

/** If no more time is lost until then. */
const due = ({ start, delay }: { start: number; delay: number }): string => iso(start + delay)

async function changeValidators(run: Run, entries: readonly string[], how: HowSigned & { handover?: boolean }) {
  const changes = entries.map((entry) => {
    const [k = '', power = ''] = entry.split('=')
    return { k, power: whole(power) }
  })
  return propose(run, how, () => ({ type: 'validators', changes, ...(how.handover ? { handover: true } : {}) }))
}

async function changeParameters(run: Run, entries: readonly string[], how: HowSigned) {
  const named = entries.map((entry) => {
    const [name = '', value = ''] = entry.split('=')
    return [name, whole(value)] as const
  })
  return propose(run, how, () => ({
    type: 'parameters',
    set: parseParameterChange(Object.fromEntries(named), 'parameters'),
  }))
}

async function upgrade(run: Run, version: string, how: HowSigned & { rules: string; at: string }) {
  const time = Date.parse(how.at) / 1000
  if (!Number.isInteger(time)) throw new KeysteadError('BAD_FIELD', '--at is a time such as 2027-01-31T12:00:00Z')
  return propose(run, how, () => ({ type: 'upgrade', version: whole(version), rules: how.rules, time }))
}

async function rotate(run: Run, cards: readonly string[], how: HowSigned & { threshold: string }) {
  const auth = await governance(cards, how.threshold)
  return propose(run, how, () => ({ type: 'governance', auth }))
}

/** What passes from member to member: the operation with the signatures so far, and who must sign. */
interface Proposal {
  readonly operation: UnsignedNetworkOperation
  readonly proof: readonly Json[]
  readonly signers: Authority
}

async function propose(run: Run, how: HowSigned, members: (state: NetworkState) => Members): Promise<number> {
  const { network, client } = await read(how)
  const { auth } = network.governance
  if (!auth)
    throw new KeysteadError('NETWORK_NOT_GOVERNED', 'the genesis document of this network names no governance keys')
  const notAfter = Math.floor(systemClock.now() / 1000) + Math.min(SIGNING_SECONDS, network.parameters.now.notAfterMax)
  const operation = networkOperationAfter(network.governance, networkHash(client.genesis), notAfter, members(network))
  const signers = operation.type === 'governance' ? operation.auth : auth
  return signAndSubmit(run, how, client, { operation, proof: [], signers })
}

async function sign(run: Run, file: string, how: HowSigned): Promise<number> {
  const f = new Fields(readJson(file), 'proposal')
  f.literal('v', 1)
  const { proof, ...operation } = f.json('op')
  const signers = parseAuthority(f.object('signers'))
  f.end()
  const proposal = {
    operation: operation as unknown as UnsignedNetworkOperation,
    proof: (proof ?? []) as Json[],
    signers,
  }
  const { client } = await read(how)
  return signAndSubmit(run, { out: file, ...how }, client, proposal)
}

async function signAndSubmit({ out }: Run, how: HowSigned, client: LedgerClient, proposal: Proposal): Promise<number> {
  const { GovernanceKey } = await node()
  const { operation, signers } = proposal
  const named = signers.keys.map(({ k }) => k)
  const proof = [...proposal.proof]
  for (const file of how.key) {
    const mine = await GovernanceKey.open(file, nodeKeyProvider()).signersAmong(named)
    if (mine.length === 0) throw new KeysteadError('KEY_NOT_AUTHORIZED', `no key of ${file} has a say in this`)
    const signed = (await signOperation(operation, mine)) as NetworkOperation
    for (const one of signed.proof as unknown as { verificationMethod: string }[])
      if (
        !proof.some((known) => (known as { verificationMethod?: Json }).verificationMethod === one.verificationMethod)
      )
        proof.push(one as unknown as Json)
  }
  const weight = signers.keys.reduce((sum, { k, w }) => sum + (signedBy(proof, k) ? w : 0), 0)
  const op = { ...operation, proof } as unknown as Json
  if (weight < signers.threshold) {
    if (!how.out)
      throw new KeysteadError('THRESHOLD_NOT_MET', 'others must sign too: say with --out where the proposal goes')
    writeFileSync(how.out, `${JSON.stringify({ v: 1, op, signers }, null, 2)}\n`, { mode: 0o600 })
    out.result([`Operation ${operation.seq} has ${weight} of ${signers.threshold} signatures, in ${how.out}.`], {
      file: how.out,
      seq: operation.seq,
      weight,
      threshold: signers.threshold,
    })
    return EXIT.tryLater
  }
  const receipt = await client.submit(parseNetworkSubmissionJson({ op }))
  out.result([`Operation ${operation.seq} of the network is in the log, number ${receipt.logIndex}.`], {
    seq: operation.seq,
    ...receipt,
  })
  return EXIT.ok
}

/** By the name of the key in the proof; whether it holds, the ledger finds. */
function signedBy(proof: readonly Json[], k: string): boolean {
  const digest = keyDigestOf(k)
  return proof.some((one) => String((one as { verificationMethod?: Json }).verificationMethod).endsWith(`#${digest}`))
}

async function handover({ out }: Run, options: { data: string; signer?: string; out: string }): Promise<void> {
  const { completeHandover } = await node()
  const { height, validators, file } = await completeHandover({
    data: options.data,
    signerFolder: options.signer ?? `${options.data}-signer`,
    out: options.out,
    keys: nodeKeyProvider(),
    clock: systemClock,
  })
  out.result(
    [
      `Handed over after block ${height} to ${validators} validators; the old key is destroyed.`,
      `Give ${file} and a copy of ${options.data} to each of them.`,
    ],
    { height, validators, file },
  )
}

function whole(text: string): number {
  if (!/^(0|[1-9]\d{0,14})$/.test(text)) throw new KeysteadError('BAD_FIELD', `"${text}" is not a whole number`)
  return Number(text)
}

function readJson(file: string): Json {
  return parseJson(new Uint8Array(readFileSync(file)), MAX_FILE_BYTES)
}
