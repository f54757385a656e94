/** Resolution for anybody (RES-2, RES-3, RES-30): any DID or DID URL, with or without a wallet, and how far it was checked. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Json, KeysteadError } from '@keystead/core'
import {
  type DereferencingResult,
  type DidResolver,
  dereference,
  nameOf,
  type ProofLevel,
  parseResolutionOptions,
  type ResolutionError,
  type ResolutionMetadata,
  type ResolutionOptions,
  type ResolutionResult,
  unresolved,
} from '@keystead/did'
import { trustedGet, webFetch } from '@keystead/did/node'
import { networkHash } from '@keystead/did-dkms'
import { publicResolver } from '@keystead/sdk'
import type { Command } from 'commander'
import { DEFAULT_LEDGER, readConfig } from '../config.ts'
import { EXIT, exitStatus } from '../exit.ts'
import { action, type Run, withWallet } from '../run.ts'

interface ResolveOptions {
  readonly ledger?: string
  readonly network?: string
  readonly universalResolver?: string
  readonly versionId?: string
  readonly versionTime?: string
  readonly maxAge?: string
  readonly wallet: boolean
  readonly via?: string
  readonly resolver?: readonly string[]
}

export function resolveCommand(program: Command): void {
  program
    .command('resolve <did>')
    .description('resolve any DID or DID URL, and say how far that is proven; a wallet is not needed')
    .option('--version-id <id>', 'the document as it stood with this version')
    .option('--version-time <time>', 'the document as it stood then, like 2026-01-31T12:00:00Z')
    .option('--max-age <seconds>', 'how old the header may be that proves a did:dkms (600)')
    .option('--ledger <url>', 'a ledger node, for did:dkms without a wallet')
    .option('--network <hash>', 'the full name of the network, where you know it')
    .option(
      '--universal-resolver <url>',
      'whose word to take for methods that are not verified here',
      process.env['KEYSTEAD_UNIVERSAL_RESOLVER'] || undefined,
    )
    .option('--via <way>', 'this once: "didcomm", by agencies of other operators, or "http", by the ledger node')
    .option(
      '--resolver <agencies...>',
      'this once: those agencies, by DID, or the address of one that this wallet knows',
    )
    .option('--no-wallet', 'as a stranger, even where there is a wallet')
    .action(action(program, resolve))
}

async function resolve(run: Run, did: string, options: ResolveOptions): Promise<number> {
  const maxAge = options.maxAge === undefined ? undefined : seconds(options.maxAge)
  const here = existsSync(join(run.folder, 'config.json'))
  if (options.via !== undefined && !/^(didcomm|http)$/.test(options.via))
    throw new KeysteadError('BAD_INPUT', 'a DID is resolved via "didcomm" or "http"')
  const named = options.resolver ?? []
  if (options.via === 'didcomm' || named.length > 0)
    return withWallet(run, async ({ agent }) => {
      if (options.via === 'http' || !options.wallet || options.ledger !== undefined)
        throw new KeysteadError('BAD_INPUT', 'agencies are asked over DIDComm, by a wallet')
      return tell(run, await agent.resolverBy(named, maxAge), did, options)
    })
  // Only a ledger's newest head and the long forms of peers are better known to the wallet than to anybody.
  if (here && options.wallet && options.ledger === undefined && /^did:(dkms|peer):/.test(did))
    return withWallet(run, ({ agent, ledger }) => {
      const openly = options.via === 'http' && did.startsWith('did:dkms:')
      return tell(run, openly ? ledger.resolver({ maxAge }) : agent.resolver({ maxAge }), did, options)
    })
  const config = here ? readConfig(run.folder) : undefined
  const network = options.network ?? (options.ledger === undefined && config ? networkHash(config.genesis) : undefined)
  const universal = options.universalResolver === undefined ? undefined : httpUrl(options.universalResolver)
  const resolver = publicResolver({
    ledger: options.ledger ?? config?.ledger ?? DEFAULT_LEDGER,
    ...(options.ledger === undefined ? (config?.trust ?? {}) : {}),
    ...(network === undefined ? {} : { network }),
    ...(maxAge === undefined ? {} : { maxAge }),
    web: webFetch(),
    ...(universal === undefined ? {} : { universal: { get: trustedGet(), endpoint: universal } }),
  })
  return tell(run, resolver, did, options)
}

function seconds(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new KeysteadError('BAD_INPUT', 'the greatest age is a number of seconds, at least 1')
}

function httpUrl(text: string): string {
  if (/^https?:$/.test(URL.parse(text)?.protocol ?? '')) return text
  throw new KeysteadError('BAD_URL', 'the Universal Resolver must be an http or https URL')
}

async function tell(run: Run, resolver: DidResolver, did: string, options: ResolveOptions): Promise<number> {
  const { versionId, versionTime } = options
  const asked = parseResolutionOptions({ versionId, versionTime })
  if (/[/?#]/.test(did)) return tellPart(run, did, await dereference(resolver, did, asked))
  return tellDocument(run, did, await resolveValid(resolver, did, asked))
}

async function resolveValid(resolver: DidResolver, did: string, options: ResolutionOptions): Promise<ResolutionResult> {
  return did.startsWith('did:') ? resolver.resolve(did, options) : unresolved('INVALID_DID', 'a DID begins with did:')
}

function tellDocument(run: Run, did: string, result: ResolutionResult): number {
  const { didDocument, didResolutionMetadata, didDocumentMetadata } = result
  const lines = [
    ...(didDocument ? [JSON.stringify(didDocument, null, 2)] : []),
    ...about(did, didResolutionMetadata),
    ...(didDocumentMetadata['deactivated'] === true ? ['State    deactivated'] : []),
    ...versionLine(didDocumentMetadata),
  ]
  run.out.result(lines, { ...result })
  return statusOf(didResolutionMetadata.error, didDocument !== null)
}

function tellPart(run: Run, did: string, result: DereferencingResult): number {
  const { content, dereferencingMetadata } = result
  const shown = content === null ? [] : [JSON.stringify(content, null, 2)]
  run.out.result([...shown, ...about(did, dereferencingMetadata)], { ...result })
  return statusOf(dereferencingMetadata.error, content !== null)
}

export const LEVELS: Readonly<Record<ProofLevel, string>> = {
  'operator-signed': 'proven as far as the one operator of the ledger is honest about order and time',
  bft: 'proven by more than two thirds of the ledger’s validators',
  'bft+witnessed': 'proven by the ledger’s validators and by independent witnesses',
  'self-certifying': 'the DID itself says everything',
  'log+witnessed': 'every change is proven and witnessed; that it is the newest is the host’s word',
  log: 'every change is proven; that it is the newest is the host’s word',
  tls: 'whoever holds the host says so today',
  unverified: 'nobody here has checked it',
}

function about(did: string, { error, proofLevel, proofAge, witnesses, resolver }: ResolutionMetadata): string[] {
  const name = error && nameOf(error)
  const [, method = '?'] = did.split(':')
  const age = typeof proofAge === 'number' ? `, ${proofAge} s old` : ''
  const by = typeof resolver === 'string' ? `; the word of ${resolver}` : ''
  return [
    ...(error ? [`${error.title}${error.detail === undefined ? '' : `: ${error.detail}`}`] : []),
    ...(name === 'METHOD_NOT_SUPPORTED' && resolver === undefined ? [HINT] : []),
    `Method   did:${method}`,
    ...(proofLevel ? [`Level    ${proofLevel}: ${LEVELS[proofLevel]}${age}${by}`] : []),
    ...(Array.isArray(witnesses) ? [`Witness  ${witnesses.join(', ') || 'none of those that this wallet names'}`] : []),
  ]
}

const HINT =
  'A Universal Resolver may know it: name one with --universal-resolver <url> or KEYSTEAD_UNIVERSAL_RESOLVER. Its word is not proof.'

function versionLine(metadata: Readonly<Record<string, Json>>): string[] {
  const { versionId, created, updated, nextUpdate } = metadata
  if (typeof versionId !== 'string') return []
  const since = updated ?? created
  const from = typeof since === 'string' ? ` since ${since}` : ''
  return [`Version  ${versionId}${from}${typeof nextUpdate === 'string' ? ` until ${nextUpdate}` : ''}`]
}

/** No document is an answer; not to have found out is trouble of its own kind. */
function statusOf(error: ResolutionError | undefined, found: boolean): number {
  if (found) return EXIT.ok
  if (!error || nameOf(error) !== 'INTERNAL_ERROR') return EXIT.negative
  return error.code === undefined ? EXIT.internal : exitStatus(error.code)
}
