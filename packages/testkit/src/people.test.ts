/** Relationships, keys proven, rotations, and everybody who may be away or lie. */
import { encodeSubmission, networkHash } from '@keystead/did-dkms'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Owner } from '../../did-dkms/src/testing/owner.ts'
import { AGENCY, LEDGER, Network } from './network.ts'
import type { Person } from './person.ts'

let network: Network
let alice: Person
let bob: Person

beforeEach(async () => {
  network = await Network.open()
  alice = await network.person('alice')
  bob = await network.person('bob')
  await network.connect(alice, bob)
})

afterEach(() => network.close())

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

async function standing(of: Person, towards: Person) {
  const mine = await of.agent.contact(towards.name)
  const theirs = await towards.agent.contact(of.name)
  return { mine: mine.mine.state.now, seen: theirs.peer?.state.now, status: theirs.peer?.state.status, theirs }
}

/** The other listens while `work` runs. */
async function answering<T>(other: Person, work: () => Promise<T>): Promise<T> {
  let done = false
  const asked = work().finally(() => {
    done = true
  })
  const listening = (async () => {
    while (!done) {
      await other.agent.sync()
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  })()
  const [result] = await Promise.all([asked, listening])
  return result
}

describe('a relationship', () => {
  it('has one name on both sides, and pairwise DIDs of its own', async () => {
    const [a, b] = [await alice.agent.contact('bob'), await bob.agent.contact('alice')]
    expect(a.mine.state.rel).toBe(b.mine.state.rel)
    expect(a.mine.state.now.did).toMatch(/^did:peer:4/)
    expect(a.peer?.state.now.did).toBe(b.mine.state.now.did)
    expect(a.peer?.publicDid).toBe(await bob.did())
  })

  it('an invitation MUST serve one person', async () => {
    const { url } = await alice.agent.invite('https://wallet.test/')
    const [carol, dave] = [await network.person('carol'), await network.person('dave')]
    const first = await carol.agent.accept(url)
    const second = await dave.agent.accept(url)
    await network.settle(alice, carol, dave)
    expect((await carol.agent.relationship(first.id))?.status).toBe('connected')
    expect((await dave.agent.relationship(second.id))?.status).toBe('requested')
  })

  it('an invitation MUST NOT serve after its end, for whoever kept the link', async () => {
    const { url } = await alice.agent.invite('https://wallet.test/', { seconds: 60 })
    network.advance(61)
    expect(await code(bob.agent.accept(url))).toBe('INVITATION_EXPIRED')
    const carol = await network.person('carol')
    carol.skew = -120
    const { id } = await carol.agent.accept(url)
    await network.settle(alice)
    expect((await carol.agent.relationship(id))?.status).toBe('requested')
  })

  it('with a public DID is made by that DID’s own answer', async () => {
    const carol = await network.person('carol')
    await carol.agent.connect(await alice.did(), { alias: 'alice' })
    await network.settle(alice, carol)
    const contact = await carol.agent.contact('alice')
    expect(contact.status).toBe('connected')
    expect(contact.peer?.publicDid).toBe(await alice.did())
  })

  it('nobody else receives under a public DID', async () => {
    const did = await alice.did()
    const { recipients } = network.agency.options.store
    const mallory = await network.person('mallory')
    const { account } = (await mallory.agent.profile()).agency ?? { account: '' }
    expect(await network.agency.options.store.addRecipient(account, did)).toBe('client_error')
    expect(await recipients(account)).not.toContain(did)
  })
})

describe('keys', () => {
  it('are proven now: the pairwise one and the one on the ledger', async () => {
    const verdict = await answering(alice, () => bob.agent.verify('alice'))
    expect(verdict).toMatchObject({ result: 'proven' })
    expect((await bob.agent.contact('alice')).verified?.kids).toHaveLength(2)
  })

  it('a wrong key, a replay and a late answer each fail for their own reason', async () => {
    const ask = async (seconds = 60) => JSON.parse(JSON.stringify(await bob.agent.challengeOf('alice', seconds)))
    const good = await alice.agent.answerTo(await ask(), 'bob')
    const [first] = good.proofs
    const swapped = { ...good, proofs: good.proofs.map(({ kid }) => ({ kid, signature: first?.signature ?? '' })) }
    const judge = async (answer: object) => bob.agent.judgeAnswer('alice', JSON.parse(JSON.stringify(answer)))
    expect(await judge(swapped)).toMatchObject({ reason: 'wrong-key' })
    expect(await judge(good)).toMatchObject({ reason: 'replayed' })
    const late = await alice.agent.answerTo(await ask(10), 'bob')
    network.advance(11)
    expect(await judge(late)).toMatchObject({ reason: 'late' })
    expect(await judge({ ...late, nonce: good.nonce.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')) })).toMatchObject({
      reason: 'unknown-challenge',
    })
    const short = await alice.agent.answerTo(await ask(), 'bob')
    expect(await judge({ ...short, proofs: short.proofs.slice(1) })).toMatchObject({ reason: 'no-proof' })
  })

  it('after a rotation peers follow, and the old ones are refused everywhere', async () => {
    const before = await standing(alice, bob)
    const old = await alice.agent.publicIdentity()
    await alice.agent.rotateAll()
    await network.settle(alice, bob)
    const after = await standing(alice, bob)
    expect(after.seen?.did).toBe(after.mine.did)
    expect(after.mine.did).not.toBe(before.mine.did)
    expect((await alice.agent.publicIdentity()).auth.keys).not.toEqual(old.auth.keys)
    expect(await answering(alice, () => bob.agent.verify('alice'))).toMatchObject({ result: 'proven' })
    const retired = (await alice.vault.keys()).filter(({ state }) => state === 'destroyed' || state === 'deactivated')
    expect(retired.length).toBeGreaterThanOrEqual(4)
    await expect(alice.vault.key(retired[0]?.keyId ?? '', { kind: 'signing', suite: 'ed25519' })).rejects.toMatchObject(
      {
        code: 'KEY_NOT_USABLE',
      },
    )
  })

  it('a peer who was away for many rotations catches up at once', async () => {
    for (let i = 0; i < 5; i++) await alice.agent.rotateAll()
    await network.settle(alice, bob)
    const { mine, seen } = await standing(alice, bob)
    expect(seen).toEqual(mine)
    expect(mine.seq).toBe(5)
  })
})

describe('when somebody is away', () => {
  it('the agency: messages wait, in order, and survive a restart', async () => {
    network.wires.cut(AGENCY)
    await alice.agent.offer('bob', 'One', { a: '1' })
    await alice.agent.offer('bob', 'Two', { a: '2' })
    expect((await alice.agent.sync()).waiting).toBeGreaterThanOrEqual(2)
    await alice.restart()
    network.wires.mend(AGENCY)
    await network.settle(alice, bob)
    const requests = await bob.agent.requests()
    expect(requests.map(({ summary }) => /"(\w+)"/.exec(summary)?.[1]).sort()).toEqual(['One', 'Two'])
    expect(alice.heard('waiting')).toBe(true)
  })

  it('the ledger: an operation waits, survives a restart, and is brought once', async () => {
    network.wires.cut(LEDGER)
    await alice.agent.rotateAll()
    expect((await alice.agent.sync()).operations).toBe(1)
    await alice.restart()
    network.wires.mend(LEDGER)
    expect((await alice.agent.sync()).operations).toBe(0)
    // The rotation, and the entry that follows it.
    expect((await alice.agent.publicIdentity()).seq).toBe(2)
  })

  it('a message that needs the ledger stays in the mailbox until the ledger is back', async () => {
    await alice.agent.offer('bob', 'Card', { a: '1' })
    await bob.agent.sync()
    await bob.agent.approve()
    network.wires.cut(LEDGER)
    await alice.agent.sync()
    expect((await alice.agent.issued())[0]?.credential).toBeUndefined()
    network.wires.mend(LEDGER)
    await network.settle(alice, bob)
    expect(await bob.agent.credentials()).toHaveLength(1)
  })
})

describe('when somebody lies', () => {
  it('a ledger whose answer is changed in any byte is not believed', async () => {
    const did = await alice.did()
    let at = 0
    const outcomes = new Set<string>()
    network.wires.tamper(({ url }, answer) => {
      if (!url.startsWith(LEDGER)) return undefined
      const changed = Uint8Array.from(answer)
      changed[at % changed.length] = (changed[at % changed.length] ?? 0) ^ 1
      at += 37
      return changed
    })
    const honest = await bob.agent.edge.resolver.resolve(did)
    for (let i = 0; i < 120; i++) {
      const result = await bob.agent.edge.resolver.resolve(did)
      if (result.didDocument) expect(result.didDocument).toEqual(honest.didDocument ?? result.didDocument)
      outcomes.add(String(result.didResolutionMetadata.error?.code ?? 'resolved'))
    }
    expect(outcomes).toContain('PROOF_INVALID')
  })

  it('rule 17: a ledger that shows two people two histories is found out when they talk', async () => {
    alice.ledgerUrl = 'http://fork.test'
    const fork = await network.fork(alice.ledgerUrl)
    await alice.restart()
    // The operator registers somebody in one history and somebody else in the other.
    const stranger = async (ledger: typeof fork) =>
      ledger.submit(
        encodeSubmission(
          await new Owner(network.keys, networkHash(ledger.genesis), Date.UTC(2026, 0, 2) / 1000).genesis(),
        ),
      )
    await stranger(fork)
    await stranger(network.ledger)
    expect((await alice.agent.edge.ports.ledger.head()).level).toBe('operator-signed')
    expect((await bob.agent.edge.ports.ledger.head()).level).toBe('operator-signed')
    await answering(bob, () => alice.agent.verify('bob'))
    await network.settle(alice, bob)
    expect(alice.heard('ledger-forked') || bob.heard('ledger-forked')).toBe(true)
    const told = [alice, bob].find((person) => person.heard('ledger-forked')) as Person
    const [evidence] = await told.agent.evidence()
    expect(evidence).toMatchObject({ kind: 'fork', network: 'keystead-test' })
  })

  it('rule 19: a wallet that was away beyond the trusting period goes on where its agency and the ledger agree', async () => {
    const { ledger } = bob.agent.edge.ports
    await ledger.head()
    network.advance(8 * 86_400)
    // The agency, which is always there, looks somebody up.
    await network.agency.options.resolver.resolve(await alice.did())
    network.advance(8 * 86_400)
    network.wires.cut(AGENCY)
    expect(await code(ledger.head())).toBe('TRUST_EXPIRED')
    network.wires.mend(AGENCY)
    expect(await ledger.head()).toMatchObject({ level: 'operator-signed', confirmed: true })
  })

  it('rule 19: where the agency knows no recent block, a contact’s view of the ledger is the other voice', async () => {
    const { ledger } = bob.agent.edge.ports
    await ledger.head()
    network.advance(8 * 86_400)
    await alice.agent.edge.ports.ledger.head()
    network.advance(8 * 86_400)
    expect(await code(ledger.head())).toBe('TRUST_EXPIRED')
    await answering(bob, () => alice.agent.verify('bob')).catch(() => {})
    await network.settle(alice, bob)
    expect(await ledger.head()).toMatchObject({ level: 'operator-signed', confirmed: true })
  })

  it('a clock that is wrong by a day is named, whichever way', async () => {
    bob.skew = 86_400
    expect(await code(bob.agent.edge.ports.ledger.resolve(await alice.did()))).toBe('HEADER_STALE')
    bob.skew = -86_400
    expect(await code(bob.agent.edge.ports.ledger.resolve(await alice.did()))).toBe('CLOCK_WRONG')
    bob.skew = 0
    expect(await code(bob.agent.edge.ports.ledger.resolve(await alice.did()))).toBe('done')
  })

  it('an agency that shows an old answer again is noticed as a stale ledger or changes nothing', async () => {
    const did = await alice.did()
    const kept = new Map<string, Uint8Array>()
    network.wires.tamper(({ url }, answer) => {
      if (!url.startsWith(LEDGER)) return undefined
      const path = new URL(url).pathname
      const first = kept.get(path)
      if (!first) kept.set(path, answer)
      return first
    })
    const ledger = bob.agent.edge.ports.ledger
    await ledger.resolve(did)
    network.advance(3600)
    expect(await code(ledger.resolve(did))).toMatch(/HEADER_STALE|PROOF_INVALID/)
  })

  it('a relationship entry signed by strange keys changes nothing', async () => {
    const mallory = await network.person('mallory')
    await network.connect(mallory, bob)
    const stranger = await mallory.agent.contact('bob')
    const before = (await bob.agent.contact('alice')).peer?.state
    await mallory.agent.rotateAll()
    await network.settle(mallory, bob)
    expect((await bob.agent.contact('alice')).peer?.state).toEqual(before)
    expect(stranger.mine.state.rel).not.toBe((await alice.agent.contact('bob')).mine.state.rel)
  })
})

describe('the outbox', () => {
  it('registers a DID before the message that its peer will answer', async () => {
    const carol = await network.person('carol')
    const { url } = await alice.agent.invite('https://wallet.test/')
    network.wires.cut(AGENCY)
    await carol.agent.accept(url)
    await carol.agent.rotateAll()
    const waiting = (await carol.vault.list('outbox')).sort((a, b) => (a.name < b.name ? -1 : 1))
    expect(waiting.map(({ value }) => value['kind'])).toEqual(['recipient', 'message'])
  })
})
