/** The side of the device that is to become one of the owner's (flow V6): it shows a link, then a code, and is given no key. */
import { base64url } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import { LINK_SECONDS } from '../../limits.ts'
import { DEVICE_JOIN } from '../../protocols/account-devices/messages.ts'
import { linkCommitment } from '../../protocols/device-link/ceremony.ts'
import {
  deviceLinkMessage,
  LINK_COMMITMENT,
  LINK_REFUSE,
  LINK_REVEAL,
  type NewDevice,
  parseLinkAnswer,
  parseSealedWelcome,
  parseSession,
} from '../../protocols/device-link/messages.ts'
import { openWelcome, type Welcome } from '../../protocols/device-link/welcome.ts'
import { DEVICE_JOINED } from '../../protocols/own-devices/messages.ts'
import { ask } from '../agency-link.ts'
import { agencyOf, type Edge, fault, nowSeconds, profileOf, queue, queueRecipient, randomId, tell } from '../context.ts'
import type { Incoming } from '../inbox.ts'
import { giveUp } from '../key-life.ts'
import { ED25519, XWING } from '../key-types.ts'
import { makePairwise } from '../own-dids.ts'
import type { AgentKey, Linking } from '../records.ts'
import { pageLink } from '../short-link.ts'
import { type Change, put } from '../store.ts'
import { after, codeOf, expected, isOver, keepLink, type LinkView, openLink, say, viewOf } from './session.ts'

/**
 * In a new wallet that has a cloud agent, at whichever agency. `agent`: the key that the ledger is to know. Throws
 * `NOT_ALLOWED_NOW` in a wallet that is in use. `base`: the page that the link opens.
 */
export async function showLink(edge: Edge, agent: AgentKey, base: string): Promise<LinkView> {
  const known = await openLink(edge, 'new')
  if (known) return viewOf(known)
  for (const category of ['identity', 'relationship', 'own-devices', 'log'] as const)
    if ((await edge.records.all(category)).length > 0)
      throw fault('NOT_ALLOWED_NOW', 'this wallet is in use: link a device with a new one')
  const { vault } = edge.ports
  const { keyId, key } = await vault.createKey(ED25519, 'new device')
  const kem = await vault.createKey(XWING, 'new device sealing')
  const { did: mediator, account } = await agencyOf(edge)
  const own = await makePairwise(edge, { keyId, publicKey: key.publicKey }, mediator)
  const session = randomId(edge)
  const expires = nowSeconds(edge) + LINK_SECONDS
  const { name, k, salt } = agent
  const linking: Linking = {
    session,
    role: 'new',
    state: 'shown',
    expires,
    name,
    own: own.longForm,
    url: await pageLink(edge, base, {
      kind: '_link',
      id: randomId(edge),
      expires,
      message: deviceLinkMessage({ from: own.longForm, session, name, expires }),
    }),
    kem: kem.keyId,
    nonce: base64url.encode(edge.ports.random(32)),
    device: { account, kem: encodeMultikey(kem.key.publicKey), k, salt },
  }
  await edge.records.commit([put('own-did', own.did, own), queueRecipient(edge, own.did, 'add'), keepLink(linking)])
  return viewOf(linking)
}

/** DEVICE-2: the first to take up the link; our commitment goes out before we have seen anything of theirs. */
export async function onLinkHello(edge: Edge, incoming: Incoming): Promise<Change[]> {
  const linking = await expected(edge, incoming, parseSession(incoming.message.body), 'hello')
  const peer = incoming.message.from ?? ''
  const greeted: Linking = { ...linking, state: after(linking, 'hello'), peer }
  const { session, nonce, device } = linking
  const commitment = linkCommitment(session, device as NewDevice, nonce)
  return [keepLink(greeted), say(edge, greeted, LINK_COMMITMENT, { session, commitment } as { session: string })]
}

export async function onLinkAnswer(edge: Edge, incoming: Incoming): Promise<Change[]> {
  const { session, account, nonce: theirs } = parseLinkAnswer(incoming.message.body)
  const linking = await expected(edge, incoming, session, 'answer')
  const revealed: Linking = { ...linking, state: after(linking, 'answer'), account, theirs }
  const { device, nonce } = revealed
  tell(edge, {
    kind: 'link-code',
    text: `both devices show ${spoken(codeOf(revealed))}`,
    data: { code: codeOf(revealed) },
  })
  const body = { session, device: { ...device }, nonce }
  return [keepLink(revealed), say(edge, revealed, LINK_REVEAL, body as { session: string })]
}

/** DEVICE-5: sealed to this device and session, from the device that the code covers. The rest is done in `goOnJoining`. */
export async function onWelcome(edge: Edge, incoming: Incoming): Promise<Change[]> {
  const session = parseSession(incoming.message.body)
  const linking = await expected(edge, incoming, session, 'approve')
  const sealed = parseSealedWelcome(incoming.message.attachments?.[0]?.data.json)
  const welcome = await openWelcome(await edge.ports.vault.key(linking.kem ?? '', XWING), sealed, session)
  if (!welcome.list.devices.some(({ account }) => account === linking.device?.account))
    throw fault('BAD_MESSAGE', 'the welcome is not for this device')
  if (welcome.network !== edge.ports.ledger.net)
    throw fault('WRONG_NETWORK', 'the owner’s devices are on another network than this one')
  return [keepLink({ ...linking, state: after(linking, 'approve'), welcome })]
}

export async function onLinkRefused(edge: Edge, incoming: Incoming): Promise<Change[]> {
  const linking = await expected(edge, incoming, parseSession(incoming.message.body), 'refuse')
  tell(edge, { kind: 'link-refused', text: 'the other device refused the link' })
  return [keepLink({ ...linking, state: after(linking, 'refuse') })]
}

/** Part of every sync: what was approved and is not done yet. */
export async function goOnJoining(edge: Edge): Promise<void> {
  for (const { value: linking } of await edge.records.all('linking')) {
    if (linking.role !== 'new' || linking.state !== 'approved' || !linking.welcome) continue
    await join(edge, linking, linking.welcome)
  }
}

async function join(edge: Edge, linking: Linking, { agency, label, list }: Welcome): Promise<void> {
  const own = linking.device?.account ?? ''
  await ask(edge, agency.did, own, { type: DEVICE_JOIN, body: { account: list.account } })
  const profile = await profileOf(edge)
  const others = list.devices.filter((device) => device.revoked === undefined && device.account !== own)
  await edge.records.commit([
    put('profile', 'self', { ...profile, label, agency: { ...agency, account: own } }),
    put('own-devices', 'self', list),
    keepLink({ ...linking, state: after(linking, 'finish') }),
    ...others.map(({ account: to }) => queue(edge, { from: own, to, type: DEVICE_JOINED, body: {} })),
  ])
  await giveUp(edge, [linking.kem ?? ''])
  tell(edge, { kind: 'linked', text: `this is a device of ${label || 'your wallet'} now` })
}

/** Stops a link on either side, and tells the other. */
export async function refuseLink(edge: Edge, role: Linking['role']): Promise<void> {
  const linking = await openLink(edge, role)
  if (!linking || isOver(edge, linking)) throw fault('UNKNOWN_REQUEST', 'no device is being linked')
  const refused = { ...linking, state: after(linking, 'refuse') }
  const told = linking.peer === undefined ? [] : [say(edge, linking, LINK_REFUSE, { session: linking.session })]
  await edge.records.commit([keepLink(refused), ...told])
}

/** "1234 5678", for people to compare. */
export const spoken = (code: string): string => `${code.slice(0, 4)} ${code.slice(4)}`
