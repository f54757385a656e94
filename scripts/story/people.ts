/** Steps 1 to 4: wallets, agents, relationships, keys proven. */
import { writeFileSync } from 'node:fs'
import type { Cast } from './cast.ts'
import type { Person } from './person.ts'
import { brief, holds, pause, same, type Teller } from './tell.ts'

export async function walletsAndAgents(cast: Cast, { step, line }: Teller): Promise<void> {
  step('1', 'Everybody makes a wallet and a did:dkms, and checks it against its genesis operation')
  for (const person of cast.all) {
    const { data } = await person.run(['init', '--label', person.name])
    holds(data.registered === true, `${person.name} is registered on the ledger`)
    cast.dids.set(person.name, data.did)
    line(`${person.name.padEnd(6)} ${data.did}   (operation ${data.seq}, proof ${data.level})`)
  }
  const [alice] = cast.all
  same((await alice?.run(['init'], 73))?.error, 'WALLET_EXISTS', 'a second init changes nothing')
  line('a second init over a wallet is refused: WALLET_EXISTS')

  step('2', 'Each has a cloud agent with the services they granted, and no more')
  for (const person of cast.all) {
    const { data } = await person.run(['agent', 'show'])
    same(data.services.join(' '), 'mailbox backup publish', `${person.name} granted three services`)
  }
  line(`all at ${(await cast.alice.run(['agent', 'show'])).data.url}: mailbox, backup, publish; wallets only dial out`)
}

export async function relationships(cast: Cast, { step, line }: Teller): Promise<void> {
  step('3', 'Alice invites Bob, Carol, Dave and Acme; pairwise DIDs under a relationship log')
  for (const peer of [cast.bob, cast.carol, cast.dave, cast.acme]) {
    const { data: invitation } = await cast.alice.run(['invite', '--tell'])
    if (peer === cast.bob) line(`link   ${brief(invitation.url)}`)
    const { data } = await cast.alice.listening(() => peer.run(['accept', invitation.url, '--tell', '--wait', '30']))
    same(data.label, 'alice', 'the invitation says who invites')
    const mine = await contactOf(cast.alice, peer.name)
    same(mine.rel, data.rel, `alice and ${peer.name} name their relationship alike`)
    same(mine.peer, data.did, `alice knows the pairwise DID of ${peer.name}`)
    line(`${peer.name.padEnd(6)} rel ${data.rel}  ${brief(data.did)}`)
  }
  const { data: used } = await cast.alice.run(['invite', '--as', 'spare'])
  await cast.alice.listening(() => cast.bob.run(['accept', used.url, '--as', 'spare', '--wait', '30']))
  const again = cast.carol.background(['accept', used.url, '--as', 'late', '--wait', '3'])
  await cast.alice.listening(async () => (await again.done).status)
  const late = (await cast.carol.run(['show'])).data.contacts.find((c: { label: string }) => c.label === 'late')
  same(late.status, 'requested', 'an invitation is for one person')
  line('the same link a second time connects nobody')
  const did = cast.dids.get('acme') ?? ''
  const { data: open } = await cast.acme.listening(() =>
    cast.carol.run(['connect', did, '--as', 'acme', '--wait', '30']),
  )
  same(open.status, 'connected', 'carol reaches acme by its public DID alone')
  line(`Carol knows Acme’s public DID only, and connects: ${brief(open.did)}`)
}

export async function keysProven(cast: Cast, { step, line }: Teller): Promise<void> {
  step('4', 'Bob verifies Alice’s keys by challenge and response')
  const { data } = await cast.alice.listening(() => cast.bob.run(['verify', 'alice', '--seconds', '30']))
  same(data.result, 'proven', 'alice proves her keys')
  for (const kid of data.kids) line(`proven  ${brief(kid)}`)
  holds(data.kids.length === 2, 'the pairwise key and the key on the ledger')

  const challenge = cast.bob.file('challenge.json')
  const answer = cast.bob.file('answer.json')
  const challenged = async (seconds = '60'): Promise<void> => {
    const made = await cast.bob.run(['verify', 'alice', '--offline', '--seconds', seconds])
    writeFileSync(challenge, JSON.stringify(made.data))
  }
  const answered = async (by: Person, to: string) => {
    const { data: given } = await by.run(['answer', challenge, '--to', to])
    writeFileSync(answer, JSON.stringify(given))
    return given
  }
  const judged = async (...expected: number[]): Promise<string> =>
    (await cast.bob.run(['verify', 'alice', '--answer', answer], ...expected)).data.reason

  await challenged()
  const { head } = await answered(cast.alice, 'bob')
  await judged(0)
  const replay = await judged(1)
  same(replay, 'replayed', 'an answer counts once')
  // Carol knows all that is public of Alice, and signs with keys of her own.
  await challenged()
  const forged = await answered(cast.carol, 'alice')
  const proofs = data.kids.map((kid: string) => ({ kid, signature: forged.proofs[0].signature }))
  writeFileSync(answer, JSON.stringify({ ...forged, head, proofs }))
  const wrong = await judged(1)
  same(wrong, 'wrong-key', 'carol cannot answer for alice')
  await challenged('1')
  await answered(cast.alice, 'bob')
  await pause(2.5)
  const late = await judged(1)
  same(late, 'late', 'an answer after the end is late')
  line(`refused, each for its own reason: ${wrong}, ${replay}, ${late}`)
}

export interface ContactView {
  readonly id: string
  readonly label: string
  readonly status: string
  readonly rel: string
  readonly did: string
  readonly peer: string
  readonly seq: number
  readonly peerSeq: number
  readonly verified: object | null
  readonly recovering: object | null
}

export async function contactOf(person: Person, label: string): Promise<ContactView> {
  const { contacts } = (await person.run(['show'])).data
  const found = contacts.find((c: ContactView) => c.label === label && c.status === 'connected')
  holds(found, `${person.name} is connected with ${label}`)
  return found
}
