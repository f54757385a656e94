/** Making a wallet (flows V1, V2, V5), looking at it, bringing it up to date. */
import { type CloudService, DEFAULT_SERVICES, SERVICES } from '@keystead/agent'
import { agencyDescriptor, findNetwork, type Relationship } from '@keystead/agent/edge'
import { isKeysteadError, KeysteadError } from '@keystead/core'
import { networkHash } from '@keystead/did-dkms'
import { endsSoon, type KeyInfo } from '@keystead/wallet'
import type { Command } from 'commander'
import { agencyAddress, DEFAULT_AGENCY, DEFAULT_LEDGER, writeConfig } from '../config.ts'
import { trustOf } from '../contact-trust.ts'
import { EXIT } from '../exit.ts'
import { iso, short } from '../output.ts'
import { readPassphrase } from '../passphrase.ts'
import { action, keepingWallet, type Run, withWallet } from '../run.ts'
import { createWallet, type OpenWallet, wire } from '../wallet.ts'
import { newTrust, type TrustFlags, trustOptions } from './trust.ts'

interface InitOptions extends TrustFlags {
  readonly label?: string
  readonly ledger: string
  readonly agency: string
  readonly network?: string
  readonly agent: boolean
}

export function startCommands(program: Command): void {
  trustOptions(program.command('init'))
    .description('make a wallet, a did:dkms on the ledger, and a cloud agent at an agency')
    .option('--label <name>', 'what you call yourself to others (default: the name of the wallet)')
    .option('--ledger <url>', 'a ledger node', DEFAULT_LEDGER)
    .option('--agency <url>', 'the agency that hosts your cloud agent', DEFAULT_AGENCY)
    .option(
      '--network <hash>',
      'the network, when you know its name; otherwise ledger node and agency must agree on it',
    )
    .option('--no-agent', 'without a cloud agent')
    .action(action(program, init))

  program.command('show').description('who you are, what you hold, what waits').action(action(program, show))
  program.command('sync').description('fetch and send everything that waits').action(action(program, sync))
  program
    .command('listen')
    .description(
      'stay connected and answer, until Ctrl-C; other commands with the same wallet have their turns meanwhile',
    )
    .action(
      action(program, async (run) => {
        let told = false
        await keepingWallet(run, async ({ agent }, signal) => {
          if (!told) run.out.result('Listening. Ctrl-C ends it.', { listening: true })
          told = true
          await agent.listen(signal)
        })
      }),
    )
  program
    .command('rotate')
    .description(
      'new keys everywhere: your DID on the ledger and every relationship; within a day the DIDs that credentials are about',
    )
    .action(
      action(program, (run) =>
        withWallet(run, async ({ agent }) => {
          await agent.sync()
          const { identities, relationships } = await agent.rotateAll()
          const waits = await agent.sync()
          run.out.result(
            [
              `New keys for ${identities} DID${identities === 1 ? '' : 's'} and ${relationships} relationship${relationships === 1 ? '' : 's'}.`,
              ...waiting(waits),
            ],
            { identities, relationships, ...waits },
          )
          return waits.waiting + waits.operations + waits.approvals > 0 ? EXIT.tryLater : EXIT.ok
        }),
      ),
    )
  retireCommand(program)
}

function retireCommand(program: Command): void {
  program
    .command('retire')
    .description('end your public DID for good; what it signed stays verifiable')
    .action(
      action(program, (run) =>
        withWallet(run, async ({ agent }) => {
          const { did, done } = await agent.retire()
          run.out.result(
            done ? `${did} is ended.` : `${did} will be ended when the ledger is back; "keystead sync" brings it.`,
            { did, done },
          )
          return done ? EXIT.ok : EXIT.tryLater
        }),
      ),
    )
}

async function init(run: Run, options: InitOptions): Promise<number> {
  const { folder, out } = run
  const label = options.label ?? run.options.wallet.split(/[\\/]/).filter(Boolean).at(-1) ?? 'me'
  const agency = agencyAddress(options.agency)
  const passphrase = await readPassphrase(run.options, { twice: true })
  const genesis = await findNetwork(fetch, { ...options, agency, named: options.network })
  const trust = await newTrust(options, genesis, out.note)
  const vault = await createWallet(folder, passphrase)
  const config = { ledger: options.ledger, genesis, trust }
  writeConfig(folder, config)
  const wallet = wire(folder, config, vault, (event) => out.note(event.text))
  try {
    await wallet.agent.setLabel(label)
    if (options.agent) await addCloudAgent(wallet, agency, DEFAULT_SERVICES, out.note)
    const identity = await wallet.agent.createIdentity()
    const waits = await wallet.agent.sync()
    const checked = identity.status === 'active' ? await checkRegistration(wallet, identity.did) : undefined
    out.result(
      [
        `Wallet   ${folder}`,
        `Network  ${genesis.chainId} (${networkHash(genesis)})`,
        `DID      ${identity.did}`,
        checked
          ? `         registered; derived from its genesis operation, proof checked: ${checked.level}, ${checked.age} s old`
          : '         the registration waits for the ledger; "keystead sync" brings it',
        ...(options.agent ? [`Agent    at ${agency}: ${DEFAULT_SERVICES.join(', ')}`] : []),
      ],
      {
        folder,
        network: networkHash(genesis),
        did: identity.did,
        registered: checked !== undefined,
        ...(checked ?? {}),
      },
    )
    return checked && waits.waiting === 0 ? EXIT.ok : EXIT.tryLater
  } finally {
    await wallet.close()
  }
}

/** Says what is granted before it is granted; an agency that is away is no reason to fail. */
export async function addCloudAgent(
  wallet: OpenWallet,
  url: string,
  services: readonly CloudService[],
  note: (text: string) => void,
): Promise<void> {
  try {
    const agency = await agencyDescriptor(fetch, url)
    for (const service of services) note(`The agency at ${url} may ${SERVICES[service]}.`)
    await wallet.agent.addCloudAgent({ did: agency.did, url: agency.url }, services)
  } catch (error) {
    if (!isKeysteadError(error, 'AGENCY_UNREACHABLE')) throw error
    note(`${error.message}; "keystead agent add" later brings you a cloud agent`)
  }
}

/** Reads the whole history back: the SCID is recomputed from the genesis operation on the way. */
async function checkRegistration(
  { ledger }: OpenWallet,
  did: string,
): Promise<{ level: string; age: number; seq: number }> {
  const { level, age, history } = await ledger.history(did)
  if (history.state.did !== did) throw new KeysteadError('PROOF_INVALID', 'the ledger shows another DID')
  return { level, age, seq: history.state.seq }
}

export function waiting({
  waiting: messages,
  operations,
  approvals = 0,
}: {
  waiting: number
  operations: number
  approvals?: number
}): string[] {
  const lines: string[] = []
  if (approvals > 0)
    lines.push(`${approvals} contact(s) wait for the approval of another device of yours: "keystead requests" there.`)
  if (operations > 0) lines.push(`${operations} ledger operation(s) wait and will be brought with the next command.`)
  if (messages > 0) lines.push(`${messages} message(s) wait and will be sent with the next command.`)
  return lines
}

async function sync(run: Run): Promise<number> {
  return withWallet(run, async ({ agent, vault }) => {
    const result = await agent.sync()
    noteEnding(run, await vault.keys())
    run.out.result([`${result.handled} received, ${result.sent} sent.`, ...waiting(result)], result)
    return result.waiting + result.operations > 0 ? EXIT.tryLater : EXIT.ok
  })
}

/** Told ahead, to the owner alone: nobody else relies on when a key of theirs ends (FR:6.27). */
function noteEnding(run: Run, keys: readonly KeyInfo[]): void {
  const ending = keys.filter((key) => endsSoon(key, Date.now())).length
  if (ending > 0)
    run.out.note(`${ending} keys end within two months: "keystead keys" names them, "keystead rotate" replaces.`)
}

const ALARM = '  SOMEBODY RECOVERS THIS: "keystead veto" if it was not you'

const STRANGE = '  THIS WALLET DID NOT MAKE THIS OPERATION: "keystead rotate" if no other device of yours did'

function contactState(contact: Relationship): string {
  const { status, recovering, alert } = contact
  if (alert) return `connected${ALARM}`
  if (recovering)
    return recovering.until === undefined ? 'recovering, not heard yet' : `recovering until ${iso(recovering.until)}`
  return `${status}, ${trustOf(contact)}`
}

async function show(run: Run): Promise<void> {
  await withWallet(run, async ({ agent, folder, vault, config, ledger }) => {
    const proof = await ledger.head().catch((error: unknown) => {
      if (isKeysteadError(error)) return error
      throw error
    })
    const ledgerShown = isKeysteadError(proof)
      ? { url: config.ledger, error: proof.code }
      : { url: config.ledger, level: proof.level, age: proof.age, witnesses: proof.witnesses ?? null }
    const [profile, identities, contacts, credentials, requests] = [
      await agent.profile(),
      await agent.identities(),
      await agent.contacts(),
      await agent.credentials(),
      await agent.requests(),
    ]
    const keys = await vault.keys()
    noteEnding(run, keys)
    const { level, missing } = await agent.recovery.status()
    const lines = [
      `${profile.label}  (${folder})`,
      `  agency      ${profile.agency?.url ?? 'none'}`,
      `  ledger      ${config.ledger}  ${isKeysteadError(proof) ? `${proof.message} (${proof.code})` : `${proof.level}, ${proof.age} s old${proof.witnesses ? `, ${proof.witnesses.length} of your witnesses` : ''}`}`,
      ...identities.map(
        ({ did, use, status, seq, label, pendingUntil, alert, strange }) =>
          `  ${use === 'public' ? 'DID        ' : 'subject DID'} ${short(did)}  ${status}${pendingUntil === undefined ? '' : ` until ${iso(pendingUntil)}`}, operation ${seq}${use === 'subject' ? `, ${short(label)}` : ''}${alert ? ALARM : ''}${strange ? STRANGE : ''}`,
      ),
      ...contacts.map((c) => `  contact     ${c.label || '(invited)'}  ${contactState(c)}  ${c.id.slice(0, 8)}`),
      ...credentials.map(
        ({ id, credential }) => `  credential  ${String((credential['type'] as string[]).at(-1))}  ${id.slice(0, 8)}`,
      ),
      ...requests.map(({ id, summary }) => `  decide      ${summary}  ${id.slice(0, 8)}`),
      `  recovery    ${level}${missing[0] ? `: ${missing[0].text}` : ''}`,
      `  keys        ${keys.filter(({ state }) => state === 'active').length} active, ${keys.filter(({ state }) => state === 'pre-activation').length} committed to, ${keys.filter(({ state }) => state !== 'active' && state !== 'pre-activation').length} given up`,
    ]
    run.out.result(lines, {
      label: profile.label,
      agency: profile.agency ?? null,
      ledger: ledgerShown,
      identities: identities.map(({ did, use, status, seq, head, pendingUntil, alert, strange }) => ({
        did,
        use,
        status,
        seq,
        head,
        pendingUntil: pendingUntil ?? null,
        alert: alert ?? null,
        strange: strange ?? null,
      })),
      contacts: contacts.map(({ id, label, status, verified, person, blocked, strange, mine, peer, recovering }) => ({
        id,
        label,
        status,
        verified: verified ?? null,
        person: person ?? null,
        blocked: blocked ?? null,
        strange: strange ?? null,
        rel: mine.state.rel,
        did: mine.state.now.did,
        peer: peer?.state.now.did ?? null,
        seq: mine.state.now.seq,
        peerSeq: peer?.state.now.seq ?? null,
        publicDid: peer?.publicDid ?? null,
        recovering: recovering ?? null,
      })),
      credentials: credentials.map(({ id, subject }) => ({ id, subject })),
      recovery: { level, missing },
      requests: requests.map(({ id, kind, summary }) => ({ id, kind, summary })),
      keys: keys.map(({ keyId, state, purpose }) => ({ keyId, state, purpose })),
    })
  })
}
