/** Steps 5, 6 and 10: a credential issued, shown, outliving the keys that signed it, and revoked. */
import type { Cast } from './cast.ts'
import { contactOf } from './people.ts'
import type { Answer } from './person.ts'
import { brief, holds, same, type Teller } from './tell.ts'

const TYPE = 'MemberCard'

export async function issueAndPresent(cast: Cast, { step, line }: Teller): Promise<void> {
  const { alice, bob, acme } = cast
  step('5', 'Acme issues Alice a credential; she presents it to Bob, who checks it with the ledger’s proof')
  await acme.run(['issue', 'alice', TYPE, 'level=gold'])
  await alice.run(['approve'])
  await acme.sync()
  await alice.sync()
  const [held] = (await alice.run(['credentials'])).data.credentials
  holds(held, 'alice holds the credential')
  line(`issuer   ${held.credential.issuer}`)
  line(`subject  ${held.subject}   (a DID made for this issuer alone)`)
  holds(held.subject !== cast.dids.get('alice'), 'the subject is a DID of its own')
  line(`anchored by operation ${held.receipt.seq} of the issuer’s log`)

  const { data: asked } = await bob.run(['ask', 'alice', TYPE, '--domain', 'bob.example'])
  cast.presentation = asked.id
  await alice.run(['approve'])
  const verdict = await check(cast, 0)
  same(verdict.outcome, 'valid', 'bob finds it valid')
  line(`Bob: VALID, bound to his challenge and bob.example, ledger proof: ${verdict.level}`)
  same(verdict.level, 'operator-signed', 'one validator proves only what its operator signed (rule 16)')
}

export async function rotations(cast: Cast, { step, line }: Teller): Promise<void> {
  const { alice, bob, acme } = cast
  step('6', 'Acme and Alice rotate all keys; the old ones can sign nothing more')
  const oldAcme = acme.stolen('old-keys')
  const oldAlice = alice.stolen('old-keys')
  oldAlice.offline(true)
  await oldAlice.run(['retire'], 75)
  const before = await contactOf(bob, 'alice')
  const { data: a } = await acme.run(['rotate'])
  const { data: b } = await alice.run(['rotate'])
  line(
    `Acme: ${a.identities} DID, ${a.relationships} relationship; Alice: ${b.identities} DIDs, ${b.relationships} relationships`,
  )
  for (const person of [...cast.all, ...cast.all]) await person.sync()
  const after = await contactOf(bob, 'alice')
  holds(after.peerSeq === before.peerSeq + 1 && after.peer !== before.peer, 'bob follows to the new pairwise DID')
  line(`Bob follows: entry ${after.peerSeq} of Alice’s log, ${brief(after.peer)}`)
  const { data: proven } = await alice.listening(() => bob.run(['verify', 'alice', '--seconds', '30']))
  same(proven.result, 'proven', 'the new keys are proven')

  oldAlice.offline(false)
  line(`the old keys, which signed an end of the DID before: ${ledgerRefusal(await oldAlice.sync())}`)
  same((await oldAlice.run(['rotate'], 65)).error, 'NO_IDENTITY', 'the old keys hold nothing')
  const verdict = await check(cast, 0)
  same(verdict.outcome, 'valid', 'the anchored credential still verifies')
  line('the anchored credential still verifies: its anchor lies before the rotation')

  const file = bob.file('back-dated.json')
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().replace(/\.\d+Z/, 'Z')
  const subject = cast.dids.get('bob') ?? ''
  await oldAcme.run([
    'sign-credential',
    TYPE,
    'level=platinum',
    '--subject',
    subject,
    '--valid-from',
    yesterday,
    '--out',
    file,
  ])
  const forged = (await bob.run(['check', file], 1)).data
  holds(forged.outcome !== 'valid', 'a back-dated credential is not believed')
  const why = forged.checks.find((c: { outcome: string }) => c.outcome !== 'valid')
  line(`one back-dated with the old key: ${forged.outcome}, ${why.text}`)
  oldAcme.destroy()
  oldAlice.destroy()
}

export async function revocation(cast: Cast, { step, line }: Teller): Promise<void> {
  step('10', 'Acme revokes the credential; Bob’s next check says so, and since when')
  const [issued] = (await cast.acme.run(['issued'])).data.issued
  const { data } = await cast.acme.run(['revoke', issued.id])
  const verdict = await check(cast, 1)
  same(verdict.outcome, 'invalid', 'bob finds it revoked')
  const texts = verdict.credentials.flatMap((c: { checks: { text: string; outcome: string }[] }) =>
    c.checks.filter(({ outcome }) => outcome === 'invalid').map(({ text }) => text),
  )
  const since = new Date(data.revokedAt * 1000).toISOString().replace('.000Z', 'Z')
  holds(texts.join(' ').includes(since), `the check says since when (${texts.join('; ')})`)
  line(texts.join('; '))
}

/** What the ledger said to an operation that a wallet had signed before. */
export function ledgerRefusal({ notes }: Answer): string {
  const refusal = /the ledger refused an operation: (.*)/.exec(notes)?.[1]
  holds(refusal, 'the ledger refuses it')
  return refusal
}

async function check(cast: Cast, status: number) {
  return (await cast.bob.run(['check', cast.presentation], status)).data
}
