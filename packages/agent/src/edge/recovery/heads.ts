/**
 * How far the log is, as the agents of the PIN keep it (SYNC-9): said by a device after a holder has what it names, read by a
 * recovery, which learns from it what no holder shows any more. An agent can keep it back; to change it, it has no key.
 */
import { base64url, isKeysteadError } from '@keystead/core'
import type { PublicKey } from '@keystead/crypto'
import { attachmentBytes } from '@keystead/didcomm'
import { escrowAccount, escrowAuthSeed, type LocatorRecord } from '@keystead/recovery'
import { type ChainHead, epochOfHeads, type HeadStatement, openHeads, sealHeads } from '@keystead/wallet'
import { HEADS_SECONDS } from '../../limits.ts'
import {
  ESCROW_CHALLENGE_REQUEST,
  ESCROW_HEADS,
  ESCROW_SAY_HEADS,
  ESCROW_SHOW_HEADS,
  parseEscrowChallenge,
  parseEscrowHeads,
} from '../../protocols/escrow/messages.ts'
import { ask } from '../agency-link.ts'
import { type Edge, nowSeconds } from '../context.ts'
import { destroyKeys } from '../key-life.ts'
import { ED25519 } from '../key-types.ts'
import { dataKeyOf, isDue, ownLog } from '../log/authority.ts'
import type { Lack } from '../log/lacks.ts'
import type { SaidHeads } from '../log/records.ts'
import type { AcknowledgedHeads } from '../log/restore.ts'
import { makeAccount } from '../own-dids.ts'
import { isOthersTrouble } from '../quietly.ts'
import { put, remove } from '../store.ts'
import { eachAgent, signEscrow } from './escrow-deal.ts'
import type { Lead } from './rescue.ts'

/** Part of every sync; `now`: also when it is not due. */
export async function sayHeads(edge: Edge, { now = false } = {}): Promise<void> {
  const deals = await edge.records.all('escrow')
  const said = deals.length === 0 ? undefined : await newestWord(edge, now)
  if (!said) return
  for (const { name } of deals)
    await eachAgent(edge, name, async (_, agent) => {
      if (agent.registration !== undefined || agent.said === said.n) return undefined
      const { id, sender, account } = agent
      await ask(edge, id, sender, {
        type: ESCROW_SAY_HEADS,
        body: { account, n: said.n },
        attachment: base64url.decode(said.box),
      })
      return { ...agent, said: said.n }
    })
}

/** The last statement, or a new one where the log went on; on disk before anybody hears it. */
async function newestWord(edge: Edge, now: boolean): Promise<SaidHeads | undefined> {
  const own = await ownLog(edge)
  const before = await edge.records.get('heads', 'self')
  const holders = (await edge.records.all('holder')).map(({ value }) => value)
  // Only of what somebody keeps: a recovery would look in vain for the rest.
  const kept = holders.some(({ acked }) => acked?.hash === own?.prev)
  if (!own || own.seq === 0 || !kept || before?.head === own.prev) return before
  if (!now && before && !isDue(edge, before.at, HEADS_SECONDS)) return before
  const n = (before?.n ?? 0) + 1
  const at = nowSeconds(edge)
  const heads = [...own.heads, { chain: own.chain, seq: own.seq - 1, hash: own.prev }]
  const statement: HeadStatement = { log: own.log, by: own.chain, n, at, authority: own.authority, heads }
  const dataKey = dataKeyOf(own, own.epoch)
  const signer = await edge.ports.vault.key(own.signing, ED25519)
  const box = await sealHeads(statement, { signer, dataKey, epoch: own.epoch })
  dataKey.fill(0)
  const said: SaidHeads = { n, box: base64url.encode(box), head: own.prev, at }
  await edge.records.commit([put('heads', 'self', said)])
  return said
}

/** On a new device: asks every agent of the PIN, whether or not the PIN is entered. */
export function acknowledgedHeads(edge: Edge, { locator }: Lead, record: LocatorRecord): AcknowledgedHeads {
  return async ({ log, dataKeys, devices }) => {
    const threshold = record.policy.groups.E?.threshold
    if (threshold === undefined) return { heads: [], lacks: [] }
    const keyOf = (chain: string): PublicKey<'ed25519'> | undefined =>
      devices.find((device) => device.chain === chain)?.key
    const asked = await Promise.all(record.agents.map(async ({ id }) => boxAt(edge, id, locator)))
    const answered = asked.filter((answer) => answer !== undefined)
    const newest = new Map<string, HeadStatement>()
    let strange = 0
    for (const { box } of answered) {
      if (!box) continue
      try {
        const statement = openHeads(box, log, dataKeys.get(epochOfHeads(box)) ?? new Uint8Array(32), keyOf)
        if ((newest.get(statement.by)?.n ?? 0) < statement.n) newest.set(statement.by, statement)
      } catch (error) {
        if (!isKeysteadError(error, 'HEADS_TAMPERED')) throw error
        strange++
      }
    }
    const heads: ChainHead[] = [...newest.values()].flatMap((statement) => statement.heads)
    return { heads, lacks: lacksOf(answered.length, record.agents.length, threshold, strange) }
  }
}

function lacksOf(answered: number, of: number, threshold: number, strange: number): Lack[] {
  const lacks: Lack[] = []
  if (answered < threshold)
    lacks.push({
      code: 'HEADS_UNKNOWN',
      text: `only ${answered} of ${of} agents of your PIN said how far your backup was: it may be older than they know`,
    })
  if (strange > 0)
    lacks.push({
      code: 'HEADS_TAMPERED',
      text: `${strange} agent(s) of your PIN show a word on your backup that is none of your devices’`,
    })
  return lacks
}

/** Undefined from whoever does not answer; under a name made for this alone. */
async function boxAt(
  edge: Edge,
  agent: string,
  locator: Uint8Array,
): Promise<{ box?: Uint8Array<ArrayBuffer> } | undefined> {
  const account = escrowAccount(locator, agent)
  const auth = escrowAuthSeed(locator, agent)
  const own = await makeAccount(edge)
  const sender = own.did
  await edge.records.commit([put('own-did', sender, own)])
  try {
    const challenge = await ask(edge, agent, sender, { type: ESCROW_CHALLENGE_REQUEST, body: { account } })
    const { nonce } = parseEscrowChallenge(challenge.body)
    const content = new Uint8Array(0)
    const signature = await signEscrow(edge, auth, { step: 'heads', agent, sender, account, nonce, content })
    const answer = await ask(edge, agent, sender, { type: ESCROW_SHOW_HEADS, body: { account, nonce, signature } })
    if (answer.type !== ESCROW_HEADS) return undefined
    parseEscrowHeads(answer.body)
    const [attachment] = answer.attachments ?? []
    return attachment ? { box: Uint8Array.from(attachmentBytes(attachment)) } : {}
  } catch (error) {
    if (!isOthersTrouble(error)) throw error
    return undefined
  } finally {
    auth.fill(0)
    await edge.records.commit([remove('own-did', sender)])
    await destroyKeys(edge, [own.authentication.keyId, own.keyAgreement.keyId])
  }
}
