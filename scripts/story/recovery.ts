/** Steps 7 to 9: ready for the worst, the worst, and back; and the thieves who try the same way. */
import { readFileSync } from 'node:fs'
import type { Cast } from './cast.ts'
import { ledgerRefusal } from './credential.ts'
import { contactOf } from './people.ts'
import type { Background, Person } from './person.ts'
import { brief, holds, pause, same, type Teller } from './tell.ts'

/** Seconds a recovery waits in this story: time to veto on a slow machine, short enough to watch. */
const DELAY = 30

export async function setUp(cast: Cast, { step, line }: Teller): Promise<void> {
  const { alice, bob, carol, dave } = cast
  step('7', 'Alice sets up recovery: a printed kit and two of three contacts, both needed')
  const kit = alice.file('kit.html')
  const args = ['recovery', 'setup', 'bob', 'carol', 'dave', '--threshold', '2', '--kit', kit, '--delay', String(DELAY)]
  const { data } = await alice.run(args)
  same(data.contacts.length, 3, 'three contacts')
  for (const contact of [bob, carol, dave]) {
    await contact.sync()
    await contact.run(['approve'])
  }
  await alice.sync()
  await alice.run(['recovery', 'check', '--kit', kit])
  const { data: status } = await alice.run(['recovery', 'status'])
  holds(
    status.contacts.every((c: { answer: string }) => c.answer === 'kept'),
    'all three keep their share',
  )
  same(status.level, 'weak', 'the meter counts one agency as one copy')
  const words = readFileSync(kit, 'utf8')
    .split('\n')
    .find((row) => / 1\. /.test(row))
  line(`kit      ${words?.trim().slice(0, 60)} ...`)
  line(`shares   kept by bob, carol and dave; 2 needed`)
  line(`backup   number ${status.backup.seq} at the agency, sealed to the path kit + contacts`)
  line(`meter    ${status.level}: ${status.missing.map((m: { code: string }) => m.code).join(', ')}`)
}

export async function thieves(cast: Cast, { line }: Teller): Promise<void> {
  const { alice, bob, carol, dave } = cast
  const kit = alice.file('kit.html')
  line('While the laptop lives: a thief who found the kit talks Bob into helping')
  const lonely = cast.newcomer('thief-1')
  const waiting = lonely.background(['recover', '--kit', kit, '--seconds', '15'])
  const link = String((await waiting.event('link'))['url'])
  await approve(bob, link, waiting)
  const { status, data } = await waiting.done
  same(status, 75, 'one contact is not enough')
  same(data.recovered, false, 'nothing is opened')
  line(`with the kit and one contact: ${data.have} of ${data.need} shares, nothing opens`)
  same((await lonely.run(['show'])).data.contacts.length, 0, 'the thief sees nobody')

  const thief = cast.newcomer('thief-2')
  const stealing = thief.background(['recover', '--kit', kit, '--seconds', '60'])
  const second = String((await stealing.event('link'))['url'])
  await approve(carol, second, stealing)
  await approve(dave, second, stealing)
  const stolen = await stealing.done
  holds(stolen.data.recovered === true, 'kit and two contacts open the backup: the delay protects authority, not data')
  const bobsView = await bob.sync()
  holds(/recovers this relationship/.test(bobsView.notes), 'bob’s wallet says that alice’s side is being recovered')
  const alarm = await alice.sync()
  holds(/veto/.test(alarm.notes), 'the laptop raises the alarm')
  line(`the laptop, unasked: ${alarm.notes.split('\n').find((text) => /somebody recovers your DID/.test(text))}`)
  const { data: vetoed } = await alice.run(['veto'])
  line(`veto: ${vetoed.identities} DIDs and ${vetoed.relationships} relationships stay with the laptop`)
  holds(vetoed.identities === 2, 'both DIDs are vetoed')
  // Dave and Acme hear of it only now; what they tell is stopped without asking Alice again.
  for (const person of [bob, carol, dave, cast.acme, alice]) await person.sync()
  await pause(DELAY + 1)
  for (const person of [bob, carol, dave, cast.acme]) await person.sync()
  await thief.run(['sync'], 0, 75)
  const { data: after } = await thief.run(['show'])
  holds(
    after.identities.every((identity: { status: string }) => identity.status === 'lost'),
    'the thief ends with no DID',
  )
  for (const person of [bob, carol, dave, cast.acme]) {
    const [theirs, hers] = [await contactOf(person, 'alice'), await contactOf(alice, person.name)]
    same(theirs.peer, hers.did, `${person.name} still has the laptop’s DID for alice`)
  }
  const { data: proven } = await alice.listening(() => bob.run(['verify', 'alice', '--seconds', '30']))
  same(proven.result, 'proven', 'the laptop is still alice')
  line('with the kit and two contacts: vetoed; the thief holds no DID, Bob’s challenge still finds Alice')
  thief.destroy()
  lonely.destroy()
}

export async function destruction(cast: Cast, { step, line }: Teller): Promise<Person> {
  step('8', 'Alice’s laptop is destroyed: process and folder')
  await cast.alice.sync()
  const listener = cast.alice.background(['listen'])
  await listener.event('listening')
  await listener.kill()
  // What a burglar might still find on the dead disk, for step 9.
  const dead = cast.alice.stolen('dead-laptop')
  dead.offline(true)
  await dead.run(['retire'], 75)
  cast.alice.destroy()
  line(`${cast.alice.folder} is gone`)
  return dead
}

export async function recovery(cast: Cast, dead: Person, { step, line }: Teller): Promise<void> {
  const { alice, bob, carol } = cast
  step('9', 'In a new folder: the kit, two contacts who call back and type a code, then everything')
  const recovering = alice.background(['recover', '--kit', alice.file('kit.html'), '--seconds', '120'])
  const link = String((await recovering.event('link'))['url'])
  line(`link for contacts  ${brief(link)}`)
  const wrong = await approve(bob, link, recovering, { mistype: true })
  line(`Bob mistypes once: ${wrong}; then types what Alice tells him on the phone`)
  await approve(carol, link, recovering)
  const { status, data } = await recovering.done
  holds(status === 0 && data.recovered === true, `the recovery goes through (${(await recovering.done).notes})`)
  line(`data      ${data.records} records, at once`)
  const { data: pending } = await alice.run(['show'])
  holds(pending.credentials.length === 1, 'the credential is back')
  same(pending.label, 'alice', 'the name is back')
  holds(
    pending.identities.every((identity: { status: string }) => identity.status === 'recovering'),
    'authority is pending',
  )
  line(`authority pending until ${new Date(data.pendingUntil * 1000).toISOString()}`)
  for (const person of [bob, carol, cast.dave, cast.acme]) await person.sync()
  await alice.sync()
  // Each counts the delay from when they heard of it, which they all have by now.
  await pause(DELAY + 2)
  for (const person of [bob, carol, cast.dave, cast.acme, alice, alice]) await person.sync()
  const { data: back } = await alice.run(['show'])
  holds(
    back.identities.every((identity: { status: string }) => identity.status === 'active'),
    `authority is back: ${JSON.stringify(back.identities)}`,
  )
  const view = await contactOf(bob, 'alice')
  same(view.verified, null, 'a recovered relationship is unverified until people verify again (rule 21)')
  const { data: proven } = await alice.listening(() => bob.run(['verify', 'alice', '--seconds', '30']))
  same(proven.result, 'proven', 'bob’s next challenge succeeds')
  line(`authority back; Bob verifies again: ${proven.kids.length} keys proven, all new`)
  const did = cast.dids.get('alice') ?? ''
  const { data: open } = await alice.listening(() =>
    cast.dave.run(['connect', did, '--as', 'alice-public', '--wait', '30']),
  )
  same(open.status, 'connected', 'whoever writes to the public DID reaches the new laptop')
  line('who writes to Alice’s public DID reaches the new laptop')
  await refusedEverywhere(cast, dead, line)
}

async function refusedEverywhere(cast: Cast, dead: Person, line: (text: string) => void): Promise<void> {
  dead.offline(false)
  line(`the dead laptop’s keys: ${ledgerRefusal(await dead.sync())}`)
  same((await dead.run(['rotate'], 65)).error, 'NO_IDENTITY', 'they hold nothing')
  await dead.run(['issue', 'bob', 'Forgery', 'x=y'], 0, 65)
  await dead.run(['sync'], 0, 75)
  const { notes } = await cast.bob.sync()
  holds(!/offers you/.test(notes), 'bob takes nothing from the dead laptop')
  const requests = (await cast.bob.run(['requests'])).data.requests
  same(requests.length, 0, 'nothing of the dead laptop waits at bob')
  line('Bob’s wallet takes nothing from them')
}

/** The contact opens the link; the code is "told on the phone", which here is read from the new device's screen. */
async function approve(
  contact: Person,
  link: string,
  newDevice: Background,
  { mistype = false } = {},
): Promise<string | undefined> {
  const opened = contact.run(['help-recover', link, '--seconds', '30'])
  const { code } = await newDevice.event('code', (line) => line['label'] === contact.name)
  await opened
  const right = String(code)
  let refused: string | undefined
  if (mistype) {
    const other = right.replace(/^./, (digit) => String((Number(digit) + 1) % 10))
    refused = (await contact.run(['help-recover', '--code', other], 77)).error
    same(refused, 'CODE_MISMATCH', 'a wrong code is refused')
  }
  const handed = newDevice.event('share', (line) => line['label'] === contact.name)
  await contact.run(['help-recover', '--code', right])
  await handed
  return refused
}
