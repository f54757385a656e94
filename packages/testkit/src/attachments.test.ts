/** spec/attachments.md: files between people, and an agency, a stranger or a contact in the way of them. */
import { type Bytes, base64url, concatBytes, type JsonObject, multihash, systemRandom, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ask, askAgency } from '../../agent/src/edge/agency-link.ts'
import { isWhole } from '../../agent/src/edge/log/shared-records.ts'
import { put } from '../../agent/src/edge/store.ts'
import {
  ATTACHMENT_PART_BYTES,
  MAX_ATTACHED_BYTES,
  MAX_FILES_PER_MESSAGE,
  MAX_INLINE_BYTES,
  MAX_LINKED_BYTES,
} from '../../agent/src/limits.ts'
import type { Attached } from '../../agent/src/protocols/attachment/attached.ts'
import { ATTACHMENT_PUT, ATTACHMENT_REMOVE } from '../../agent/src/protocols/attachment/messages.ts'
import { AGENCY, Network } from './network.ts'
import type { Person } from './person.ts'

const LARGE = 2 * ATTACHMENT_PART_BYTES + 1000

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

function file(name: string, bytes: Bytes, said = bytes.length) {
  return { name, bytes: said, stream: () => new Blob([bytes]).stream() }
}

async function contentOf({ agent }: Person, id: string): Promise<Bytes> {
  const pieces: Uint8Array[] = []
  for await (const piece of (await agent.openAttachment(id)).content) pieces.push(piece)
  return concatBytes(...pieces)
}

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  )

async function attachedOf({ agent }: Person) {
  return (await agent.texts()).flatMap(({ attachments = [] }) => attachments)
}

/** The one file that somebody has, and its id. */
async function only(person: Person) {
  const [found, ...others] = await attachedOf(person)
  if (!found || others.length > 0) throw new Error(`${others.length + 1} files`)
  return found
}

/** Sends one large file from Alice to Bob; resolves to its bytes. */
async function large(): Promise<Bytes> {
  const bytes = systemRandom(LARGE)
  await alice.agent.sendText('bob', 'look', { attach: [file('big.bin', bytes)] })
  await network.settle(alice, bob)
  return bytes
}

/** Where the file lies, as the one who received it has it. */
async function linkedOf({ agent }: Person, name = /./) {
  const [record] = (await agent.edge.records.all('text')).filter(({ value }) =>
    name.test(value.attached?.[0]?.name ?? ''),
  )
  const [attached] = record?.value.attached ?? []
  if (!record || !attached?.linked) throw new Error('no link')
  return { record, attached, linked: attached.linked }
}

/** The same message as if the contact had said something else of the file. */
async function said(change: (attached: Attached) => Attached, name?: RegExp): Promise<void> {
  const { record, attached } = await linkedOf(bob, name)
  const { edge } = bob.agent
  await edge.records.commit([put('text', record.name, { ...record.value, attached: [change(attached)] })])
}

const lying = (change: object) =>
  said((attached) => ({ ...attached, linked: { ...attached.linked, ...change } }) as Attached)
const opening = async () => code(contentOf(bob, (await only(bob)).id))

describe('ATTACH-1: a file', () => {
  it('that is small travels inside the message; a larger one lies sealed at the sender’s agency, and opens as it was', async () => {
    const [small, big] = [utf8('forty-two'), systemRandom(LARGE)]
    const steps: number[] = []
    await alice.agent.sendText('bob', 'two files', {
      attach: [file('small.txt', small), file('big.bin', big)],
      onProgress: ({ done }) => steps.push(done),
    })
    await network.settle(alice, bob)
    expect(bob.heard('text', /two files \[attached: small.txt, big.bin\]/)).toBe(true)
    const [first, second] = await attachedOf(bob)
    expect(first).toMatchObject({ name: 'small.txt', bytes: 9, state: 'here' })
    expect(second).toMatchObject({ name: 'big.bin', bytes: LARGE, state: 'linked' })
    expect(steps.length).toBe(3)
    expect(await contentOf(bob, first?.id ?? '')).toEqual(small)
    expect(await contentOf(bob, second?.id ?? '')).toEqual(big)
    // The sender has them, too.
    const [, sent] = await attachedOf(alice)
    expect(await contentOf(alice, sent?.id ?? '')).toEqual(big)
    // What people are shown has neither key nor address.
    expect(JSON.stringify(await bob.agent.texts())).not.toMatch(/AGE-SECRET|v1\/attachments/)
  })

  it('of no bytes, and one at the edge of what travels inside, arrive; a text need not be said with them', async () => {
    const edge = systemRandom(MAX_INLINE_BYTES)
    await alice.agent.sendText('bob', '', { attach: [file('empty', new Uint8Array()), file('edge', edge)] })
    await network.settle(alice, bob)
    const [empty, full] = await attachedOf(bob)
    expect([empty?.state, full?.state]).toEqual(['here', 'here'])
    expect((await contentOf(bob, empty?.id ?? '')).length).toBe(0)
    expect(await contentOf(bob, full?.id ?? '')).toEqual(edge)
  })

  it('of a contact with other software is theirs by the standard protocol', async () => {
    const { url } = await alice.agent.invitePlainly('https://wallet.test/', { alias: 'other bob' })
    await bob.agent.acceptPlainly(url, { alias: 'other alice' })
    await network.settle(alice, bob)
    const bytes = systemRandom(LARGE)
    await alice.agent.sendText('other bob', 'plainly', { attach: [file('x', bytes)] })
    await network.settle(alice, bob)
    expect(await contentOf(bob, (await only(bob)).id)).toEqual(bytes)
  })

  it('MUST NOT be larger, more, or another than was said; then nothing was sent, and nothing is left at the agency', async () => {
    const send = (...attach: ReturnType<typeof file>[]) => code(alice.agent.sendText('bob', 'x', { attach }))
    const bytes = systemRandom(LARGE)
    expect(await send(file('huge', bytes, MAX_LINKED_BYTES + 1))).toBe('TOO_LARGE')
    expect(await send(...Array.from({ length: MAX_FILES_PER_MESSAGE + 1 }, () => file('one', utf8('1'))))).toBe(
      'TOO_MANY_FILES',
    )
    expect(await send(file('grew', bytes, LARGE - 1))).toBe('FILE_CHANGED')
    expect(await send(file('shrank', bytes, LARGE + 1))).toBe('FILE_CHANGED')
    expect(await send(file('small', utf8('123'), 2))).toBe('FILE_CHANGED')
    expect(await code(alice.agent.sendText('nobody', 'x', { attach: [file('x', bytes)] }))).toBe('UNKNOWN_CONTACT')
    // One that was whole already goes with the one that was not.
    expect(await send(file('whole', bytes), file('grew', bytes, LARGE - 1))).toBe('FILE_CHANGED')
    expect(await attachedOf(alice)).toEqual([])
    expect((await network.agency.options.store.totals()).attachments).toBe(0)
  })
})

describe('ATTACH-5: an upload', () => {
  it('goes on where an answer or a request was lost, and is whole', async () => {
    for (const lost of ['request', 'answer'] as const) {
      const bytes = systemRandom(LARGE)
      const sending = alice.agent.sendText('bob', lost, {
        attach: [file(lost, bytes)],
        // The next request is lost, or its answer; a moment later the wires are mended.
        onProgress: ({ done }) => {
          if (done > ATTACHMENT_PART_BYTES) return
          network.wires.breakAfter(0, lost)
          setTimeout(() => network.wires.breakAfter(undefined), 5)
        },
      })
      await sending
      network.wires.breakAfter(undefined)
      await network.settle(alice, bob)
      const found = (await attachedOf(bob)).find(({ name }) => name === lost)
      expect(await contentOf(bob, found?.id ?? '')).toEqual(bytes)
    }
  })

  it('that cannot be brought is an error, and nothing was sent', async () => {
    network.wires.cut(AGENCY)
    expect(await code(alice.agent.sendText('bob', 'x', { attach: [file('x', systemRandom(LARGE))] }))).toBe(
      'AGENCY_UNREACHABLE',
    )
    network.wires.mend(AGENCY)
    await network.settle(alice, bob)
    expect([await alice.agent.texts(), await bob.agent.texts()]).toEqual([[], []])
  })

  it('that is interrupted leaves nothing said, and nothing at the agency', async () => {
    const stop = new AbortController()
    const sending = alice.agent.sendText('bob', 'x', {
      attach: [file('x', systemRandom(LARGE))],
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('interrupted')),
    })
    await expect(sending).rejects.toThrow('interrupted')
    expect((await network.agency.options.store.totals()).attachments).toBe(0)
    expect(await alice.agent.texts()).toEqual([])
  })

  it('is refused with its code where account or agency has no room, and what goes makes room', async () => {
    const { store } = network.agency.options
    const { account = '' } = (await alice.agent.profile()).agency ?? {}
    await store.setRoom(account, { messages: 1000, bytes: 1e9, attachmentBytes: 2 * LARGE })
    await large()
    const send = () => code(alice.agent.sendText('bob', 'more', { attach: [file('more', systemRandom(LARGE))] }))
    expect(await send()).toBe('ATTACHMENT_FULL')
    await alice.agent.withdrawAttachment((await only(alice)).id)
    expect(await send()).toBe('done')
    // Bob has room of his own.
    expect(await code(bob.agent.sendText('alice', 'x', { attach: [file('x', systemRandom(LARGE))] }))).toBe('done')
  })

  it('MUST NOT take the disk that mail needs', async () => {
    let free = 2 ** 28 + LARGE
    Object.assign(network.agency.options, { freeBytes: async () => free })
    const send = () => code(alice.agent.sendText('bob', 'x', { attach: [file('x', systemRandom(LARGE))] }))
    expect(await send()).toBe('ATTACHMENT_FULL')
    expect(await code(alice.agent.sendText('bob', 'x', { attach: [file('x', utf8('small'))] }))).toBe('done')
    free += 2 ** 20
    expect(await send()).toBe('done')

    const id = base64url.encode(systemRandom(32))
    const attachment = systemRandom(ATTACHMENT_PART_BYTES)
    const bring = (n: number) =>
      code(askAgency(alice.agent.edge, { type: ATTACHMENT_PUT, body: { id, size: 2 ** 20, n }, attachment }))
    expect(await bring(0)).toBe('done')
    free = 2 ** 28 + ATTACHMENT_PART_BYTES - 1
    expect(await bring(1)).toBe('ATTACHMENT_FULL')
    free++
    expect(await bring(1)).toBe('done')
  })

  it('MUST NOT go into somebody else’s, out of its order, or with another part in a place that is taken', async () => {
    const id = base64url.encode(systemRandom(32))
    const part = systemRandom(ATTACHMENT_PART_BYTES)
    const bring = (person: Person, n: number, attachment = part, size = LARGE) =>
      code(askAgency(person.agent.edge, { type: ATTACHMENT_PUT, body: { id, size, n }, attachment }))
    expect(await bring(alice, 1)).toBe('ATTACHMENT_CONFLICT')
    expect(await bring(alice, 0)).toBe('done')
    expect(await bring(alice, 0)).toBe('done')
    expect(await bring(alice, 0, systemRandom(ATTACHMENT_PART_BYTES))).toBe('ATTACHMENT_CONFLICT')
    expect(await bring(alice, 0, part, LARGE + 1)).toBe('ATTACHMENT_CONFLICT')
    expect(await bring(bob, 0)).toBe('ATTACHMENT_CONFLICT')
    expect(await bring(bob, 1)).toBe('ATTACHMENT_CONFLICT')
    expect(await bring(alice, 2, part.slice(0, 1000))).toBe('ATTACHMENT_CONFLICT')
    expect(await bring(alice, 1, part.slice(1))).toBe('ATTACHMENT_CONFLICT')
    // Nobody is shown what is not whole, and a stranger's word takes nothing away.
    const shown = async () => (await network.wires.browse(`${AGENCY}/v1/attachments/${id}`, '*/*')).status
    expect(await bring(alice, 1)).toBe('done')
    expect(await shown()).toBe(404)
    await askAgency(bob.agent.edge, { type: ATTACHMENT_REMOVE, body: { id } })
    expect(await bring(alice, 2, part.slice(0, 1000))).toBe('done')
    expect(await shown()).toBe(200)
  })
})

describe('ATTACH-6: what lies at an agency', () => {
  it('is given to whoever knows its address, as bytes that no browser takes for anything else', async () => {
    await large()
    const { linked } = await linkedOf(bob)
    const [url = ''] = linked.urls
    const answer = await network.wires.browse(url, 'text/html')
    expect(multihash.encode(sha256(new Uint8Array(await answer.arrayBuffer())))).toBe(linked.hash)
    expect(answer.headers.get('content-type')).toBe('application/octet-stream')
    expect(answer.headers.get('content-disposition')).toBe('attachment')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('content-security-policy')).toContain('sandbox')
    for (const other of [`${url}x`, url.slice(0, -1), `${AGENCY}/v1/attachments/${base64url.encode(systemRandom(32))}`])
      expect((await network.wires.browse(other, '*/*')).status).toBe(404)
  })

  it('names no account in its address, and nothing of the file where it lies', async () => {
    await large()
    const { linked } = await linkedOf(bob)
    const { account = '' } = (await alice.agent.profile()).agency ?? {}
    expect(linked.urls).toEqual([expect.stringMatching(/^http:\/\/agency\.test\/v1\/attachments\/[A-Za-z0-9_-]{43}$/)])
    expect(linked.urls[0]).not.toContain(account.slice(-20))
    const answer = await network.wires.browse(linked.urls[0] ?? '', '*/*')
    const bytes = Buffer.from(await answer.arrayBuffer())
    expect(bytes.toString('latin1')).not.toContain('big.bin')
  })

  it('is gone after its days, on its owner’s word, and while its account is suspended', async () => {
    await large()
    const { store } = network.agency.options
    const { account = '' } = (await alice.agent.profile()).agency ?? {}
    await store.setSuspended(account, true)
    expect(await opening()).toBe('ATTACHMENT_GONE')
    await store.setSuspended(account, false)
    expect(await opening()).toBe('done')
    await alice.agent.withdrawAttachment((await only(alice)).id)
    expect(await opening()).toBe('ATTACHMENT_GONE')
    expect((await only(alice)).state).toBe('over')

    await alice.agent.sendText('bob', 'again', { attach: [file('again', systemRandom(LARGE))] })
    await network.settle(alice, bob)
    const [, again] = await attachedOf(bob)
    network.advance(31 * 86_400)
    expect((await attachedOf(bob))[1]?.state).toBe('over')
    expect(await code(contentOf(bob, again?.id ?? ''))).toBe('ATTACHMENT_GONE')
    const { linked } = await linkedOf(bob)
    expect((await network.wires.browse(linked.urls[0] ?? '', '*/*')).status).toBe(404)
  })

  it('MUST NOT be taken back by anybody but who sent it', async () => {
    await large()
    expect(await code(bob.agent.withdrawAttachment((await only(bob)).id))).toBe('NOT_ALLOWED_NOW')
    expect(await opening()).toBe('done')
  })
})

describe('ATTACH-7: a link', () => {
  it.each([
    ['changed', (bytes: Uint8Array) => bytes.map((byte, at) => (at === 700_000 ? byte ^ 1 : byte))],
    ['cut short', (bytes: Uint8Array) => bytes.slice(0, -1)],
    ['cut to nothing', () => new Uint8Array()],
    ['made longer', (bytes: Uint8Array) => concatBytes(bytes, new Uint8Array(1))],
    ['exchanged', (bytes: Uint8Array) => systemRandom(bytes.length)],
  ] as const)('whose content was %s on its way is BAD_ATTACHMENT', async (_, change) => {
    await large()
    network.wires.tamper(({ url }, answer) =>
      url.includes('/v1/attachments/') ? new Uint8Array(change(answer)) : undefined,
    )
    expect(await opening()).toBe('BAD_ATTACHMENT')
    network.wires.tamper(undefined)
    expect(await opening()).toBe('done')
  })

  it('with another key, another file, or another size than was said is BAD_ATTACHMENT; one too large is not fetched', async () => {
    await large()
    const { attached, linked } = await linkedOf(bob)
    await alice.agent.sendText('bob', 'second', { attach: [file('second', systemRandom(LARGE))] })
    await network.settle(alice, bob)
    const other = (await bob.agent.edge.records.all('text')).map(({ value }) => value.attached?.[0]?.linked)
    const [second] = other.filter((one) => one && one.hash !== linked.hash)
    const id = (await attachedOf(bob)).find(({ name }) => name === 'big.bin')?.id ?? ''
    const outcome = async (change: object) => {
      await said((one) => ({ ...one, linked: { ...linked, ...change } }), /big/)
      return code(contentOf(bob, id))
    }
    expect(await outcome({ key: second?.key })).toBe('BAD_ATTACHMENT')
    expect(await outcome({ urls: second?.urls })).toBe('BAD_ATTACHMENT')
    expect(await outcome({ bytes: linked.bytes && linked.bytes + 1 })).toBe('BAD_ATTACHMENT')
    expect(await outcome({ bytes: linked.bytes && linked.bytes - 1 })).toBe('BAD_ATTACHMENT')
    expect(await outcome({ bytes: 2 * MAX_LINKED_BYTES })).toBe('TOO_LARGE')
    expect(await outcome({})).toBe('done')
    await said(() => ({ ...attached, bytes: LARGE - 1 }), /big/)
    expect(await code(contentOf(bob, id))).toBe('BAD_ATTACHMENT')
  })

  it('MUST NOT lead a wallet to anything but a public host over https: not to its own machine, network, or with a password', async () => {
    await large()
    const asked: string[] = []
    for (const origin of ['http://other.test', 'http://127.0.0.1:8080', 'http://localhost', 'http://[::1]:5'])
      network.wires.connect(origin, () => {
        asked.push(origin)
        return new Response('secret')
      })
    const places = [
      'http://other.test/x',
      'http://127.0.0.1:8080/x',
      'http://localhost/x',
      'http://[::1]:5/x',
      'file:///etc/passwd',
      'ftp://other.test/x',
      'data:text/plain,secret',
      'https://user:secret@other.test/x',
      'http://agency.test@other.test/x',
      'javascript:1',
      '//other.test/x',
      '',
    ]
    for (const url of places) {
      await lying({ urls: [url] })
      expect([url, await opening()]).toEqual([url, 'ATTACHMENT_REFUSED'])
    }
    expect(asked).toEqual([])
  })

  it('of other software opens, sealed or not, at another host, and by the next address where one is away', async () => {
    await large()
    const plain = utf8('what others attach by reference')
    network.wires.connect('https://files.test', ({ url }) =>
      url.endsWith('/x') ? new Response(new Uint8Array(plain)) : new Response('no', { status: 503 }),
    )
    const { key: _, ...linked } = (await linkedOf(bob)).linked
    const elsewhere = { ...linked, hash: multihash.encode(sha256(plain)), bytes: plain.length }
    const plainly = (change: object) => said(({ name }) => ({ name, linked: { ...elsewhere, ...change } }))
    await plainly({ urls: ['https://away.test/x', 'https://files.test/y', 'https://files.test/x'] })
    expect(await contentOf(bob, (await only(bob)).id)).toEqual(plain)
    await plainly({ urls: ['https://files.test/y'] })
    expect(await opening()).toBe('ATTACHMENT_UNREACHABLE')
    await plainly({ urls: ['https://files.test/x'], bytes: undefined, hash: multihash.encode(sha256(utf8('another'))) })
    expect(await opening()).toBe('BAD_ATTACHMENT')
  })

  it('whose host is away is ATTACHMENT_UNREACHABLE, and opens later; an unknown file is UNKNOWN_ATTACHMENT', async () => {
    const bytes = await large()
    const { id } = await only(bob)
    network.wires.cut(AGENCY)
    expect(await opening()).toBe('ATTACHMENT_UNREACHABLE')
    network.wires.mend(AGENCY)
    expect(await contentOf(bob, id.slice(0, 6))).toEqual(bytes)
    expect(await code(contentOf(bob, 'zz'))).toBe('UNKNOWN_ATTACHMENT')
  })

  it('that is broken off ends at once', async () => {
    await large()
    const { id } = await only(bob)
    const stop = AbortSignal.abort(new Error('interrupted'))
    await expect(bob.agent.openAttachment(id, { signal: stop })).rejects.toThrow('interrupted')
  })
})

describe('ATTACH-10: devices and moves', () => {
  it('each device of the receiver, and of the sender, saves what came or went', async () => {
    const laptop = await network.link('laptop', bob)
    const desk = await network.link('desk', alice)
    const everybody = [alice, desk, bob, laptop]
    await network.settle(...everybody)
    const [small, big] = [utf8('small'), systemRandom(LARGE)]
    await alice.agent.sendText('bob', 'to all', { attach: [file('small', small), file('big', big)] })
    for (let round = 0; round < 3; round++) {
      await network.settle(...everybody)
      network.advance(60)
      for (const { agent } of everybody) await agent.backUp()
    }
    const ids = (await attachedOf(bob)).map(({ id }) => id)
    for (const device of [bob, laptop, desk]) {
      const [first, second] = await attachedOf(device)
      expect(await contentOf(device, first?.id ?? '')).toEqual(small)
      expect(await contentOf(device, second?.id ?? '')).toEqual(big)
    }
    expect((await attachedOf(laptop)).map(({ id }) => id)).toEqual(ids)
  })

  it('as much as is kept of one message MUST NOT keep the log from being written', async () => {
    const { edge } = bob.agent
    const attached = Array.from({ length: 64 }, () => ({
      name: base64url.encode(systemRandom(100)),
      content: base64url.encode(systemRandom(Math.floor((MAX_ATTACHED_BYTES * 0.74) / 64) - 120)),
    }))
    const value = { contact: 'x', from: 'them', text: base64url.encode(systemRandom(6000)), at: 1, attached } as const
    await edge.records.commit([put('text', 'large', value)])
    await bob.agent.backUp()
    expect(await edge.records.all('change')).toEqual([])
  })

  it('another device’s record of a file is taken in only as far as it has its form', () => {
    const linked = { urls: ['https://x.test/y'], hash: multihash.encode(sha256(utf8('x'))), bytes: 1, expires: 5 }
    const text = { contact: 'bob', from: 'them', text: '', at: 1 }
    const whole = (attached: unknown) => isWhole('text', { ...text, attached } as unknown as JsonObject)
    expect(
      whole([
        { name: 'x', mediaType: 'text/plain', bytes: 1, linked },
        { name: 'y', content: 'AAAA' },
      ]),
    ).toBe(true)
    for (const bad of [
      [{ name: '../x' }],
      [{ name: '' }],
      [{ name: 'x', content: '!' }],
      [{ name: 'x', linked: { ...linked, hash: 'x' } }],
      [{ name: 'x', linked: { ...linked, key: 'x' } }],
      [{ name: 'x', linked: { ...linked, urls: [1] } }],
      [{ name: 'x', linked: { ...linked, more: 1 } }],
      [{ name: 'x', more: 1 }],
      [1],
      'x',
      Array(100).fill({ name: 'x' }),
    ])
      expect(whole(bad)).toBe(false)
  })

  it('stays at the agency before until that is told to stop, which asks first; then it is gone there', async () => {
    const bytes = await large()
    const elsewhere = await network.addAgency('elsewhere')
    await alice.agent.moveTo({ did: elsewhere.options.did, url: 'http://elsewhere.test' })
    await network.settle(alice, bob)
    expect(await contentOf(bob, (await only(bob)).id)).toEqual(bytes)
    const { former } = await alice.agent.profile()
    const put = {
      type: ATTACHMENT_PUT,
      body: { id: base64url.encode(systemRandom(32)), size: 3, n: 0 },
      attachment: utf8('new'),
    }
    expect(await code(ask(alice.agent.edge, former?.did ?? '', former?.account ?? '', put))).toBe('ACCOUNT_MOVED')
    await expect(alice.agent.stopForwarding()).rejects.toMatchObject({
      code: 'NOT_ALLOWED_NOW',
      message: expect.stringContaining('files that you sent lie there until'),
    })
    expect(await alice.agent.stopForwarding({ anyway: true })).toMatchObject({ attachments: 0 })
    expect((await network.agency.options.store.totals()).attachments).toBe(0)
    expect(await opening()).toBe('ATTACHMENT_GONE')
  })

  it('lies at the new agency where it is sent after a move', async () => {
    const elsewhere = await network.addAgency('elsewhere')
    await alice.agent.moveTo({ did: elsewhere.options.did, url: 'http://elsewhere.test' })
    await network.settle(alice, bob)
    await alice.agent.sendText('bob', 'new place', { attach: [file('x', systemRandom(LARGE))] })
    await network.settle(alice, bob)
    expect((await linkedOf(bob)).linked.urls[0]).toMatch(/^http:\/\/elsewhere\.test\//)
    // Neither of the two names is of a machine of Bob's, and neither is https.
    expect(await opening()).toBe('ATTACHMENT_REFUSED')
  })

  it('MUST NOT be put by a device that was taken out, nor by an account that granted no mailbox', async () => {
    const stranger = await network.unlinked('stranger')
    const body = { id: base64url.encode(systemRandom(32)), size: 3, n: 0 }
    const request = { type: ATTACHMENT_PUT, body, attachment: utf8('new') }
    const { did = '', account = '' } = (await stranger.agent.profile()).agency ?? {}
    await network.agency.options.store.setGrants(account, ['backup'])
    expect(await code(ask(stranger.agent.edge, did, account, request))).toBe('NOT_GRANTED')
    const desk = await network.link('desk', alice)
    await network.settle(alice, desk)
    expect(await code(askAgency(desk.agent.edge, request))).toBe('done')
    const { account: device = '' } = (await desk.agent.profile()).agency ?? {}
    const owner = (await network.agency.options.store.standing(device)).account
    await network.agency.options.store.removeDevice(owner, device)
    expect(await code(askAgency(desk.agent.edge, { ...request, body: { ...body, n: 0 } }))).toBe('DEVICE_REMOVED')
  })
})
