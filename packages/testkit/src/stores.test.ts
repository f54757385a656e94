/** The agency's store, the same on SQLite and PostgreSQL: what it promises under concurrency and across instances. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { base64url, systemRandom, utf8 } from '@keystead/core'
import { sha256 } from '@keystead/crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CloudStore } from '../../agent/src/cloud/store/port.ts'
import { openPostgresStore } from '../../agent/src/cloud/store/postgres.ts'
import { openSqliteStore } from '../../agent/src/cloud/store/sqlite.ts'
import {
  MAX_DEVICES_EVER,
  MAX_DEVICES_PER_ACCOUNT,
  MAX_FILES_PER_ACCOUNT,
  MAX_LOCATORS_PER_ACCOUNT,
  MAX_VAULTS_PER_ACCOUNT,
  ATTACHMENT_PART_BYTES as PART,
} from '../../agent/src/limits.ts'
import { type PostgresServer, postgresPrograms, startPostgres } from './postgres.ts'

const random = (): string => base64url.encode(systemRandom(16))
const ALL = { limit: 100, maxBytes: 1_000_000 }
const mailItem = (recipient: string, text = 'x') => ({ id: random(), recipient, bytes: utf8(text), received: 1 })
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

interface Opened {
  readonly store: CloudStore
  close(): Promise<void>
}

/** `instances` are two ways to the same data. */
function contract(name: string, open: () => Promise<{ instances: [Opened, Opened]; end: () => Promise<void> }>): void {
  describe(name, () => {
    let one: CloudStore
    let other: CloudStore
    let end: () => Promise<void>
    beforeAll(async () => {
      const opened = await open()
      one = opened.instances[0].store
      other = opened.instances[1].store
      end = opened.end
    }, 120_000)
    afterAll(() => end?.())

    it('a DID goes to one of those who ask for it at once, and to no other', async () => {
      const did = `did:peer:4${random()}`
      const accounts = Array.from({ length: 8 }, random)
      const results = await Promise.all(
        accounts.map((account, n) => (n % 2 === 0 ? one : other).addRecipient(account, did)),
      )
      expect(results.filter((result) => result === 'success')).toHaveLength(1)
      expect(await one.accountOf(did)).toBe(accounts[results.indexOf('success')])
      expect(await other.addRecipient(random(), did)).toBe('client_error')
      expect(await other.addRecipient('prover', did, { proven: true })).toBe('success')
      expect(await one.addRecipient('another', did, { proven: true })).toBe('client_error')
      expect(await one.addRecipient('prover', did)).toBe('no_change')
      expect(await other.addRecipient('taker', did, { takeOver: true })).toBe('success')
      expect(await one.accountOf(did)).toBe('taker')
    })

    it('mail is given in the order it came, with nothing lost or seen out of order, whoever took it', async () => {
      const account = random()
      const seen: number[] = []
      let after = 0
      let writing = true
      const reading = (async () => {
        while (writing || seen.length < 60) {
          for (const { n } of await other.mail(account, { ...ALL, after })) {
            seen.push(n)
            after = n
          }
          // Somebody who never let others have a turn would keep the writers from the disk.
          await new Promise(setImmediate)
        }
      })()
      await Promise.all(
        Array.from({ length: 60 }, (_, n) => (n % 2 === 0 ? one : other).addMail(account, mailItem('r', String(n)))),
      )
      writing = false
      await reading
      expect(seen).toEqual([...seen].sort((a, b) => a - b))
      expect(new Set(seen).size).toBe(60)
      expect(await one.mailStatus(account)).toMatchObject({ count: 60 })
      expect(await one.newestMail(account)).toBe(seen.at(-1))
    })

    it('whoever got mail after a message is told, once each, and whoever got none since is not', async () => {
      const [early, late] = [random(), random()]
      await one.addMail(early, mailItem('r'))
      const newest = await other.newestMail()
      expect(newest).toBe(await one.newestMail(early))
      expect(await one.mailAfter(newest - 1)).toEqual([early])
      expect(await other.mailAfter(newest)).toEqual([])
      await one.addMail(late, mailItem('r'))
      await one.addMail(late, mailItem('r'))
      expect(await other.mailAfter(newest)).toEqual([late])
      expect(await other.newestMail()).toBeGreaterThan(newest)
    })

    it('a message goes when it was acknowledged by its account, and then only', async () => {
      const account = random()
      const item = mailItem('did:x:y')
      await one.addMail(account, item)
      await other.removeMail('somebody else', [item.id])
      expect((await one.mail(account, ALL)).map(({ id }) => id)).toEqual([item.id])
      await other.removeMail(account, [item.id])
      expect(await one.mail(account, ALL)).toEqual([])
    })

    it('AGENCY-20: mail of an account waits for each of its devices, until that one has acknowledged it', async () => {
      const [account, phone, stranger] = [random(), random(), random()]
      await expect(one.joinAccount(account, phone)).rejects.toMatchObject({ code: 'DEVICE_REFUSED' })
      await one.inviteDevice(account, phone, false)
      expect(await other.standing(phone)).toMatchObject({ account: phone })
      await one.addMail(account, mailItem('r', 'since it was added'))
      expect(await other.mail(phone, ALL)).toEqual([])
      await other.joinAccount(account, phone)
      expect(await one.standing(phone)).toMatchObject({ account, admin: false, removed: false })
      await expect(one.inviteDevice(stranger, phone, true)).rejects.toMatchObject({ code: 'DEVICE_REFUSED' })
      expect(await one.addMail(account, mailItem('r', 'after'))).toEqual(expect.arrayContaining([account, phone]))
      const kept = await other.mail(phone, ALL)
      expect(kept.map(({ bytes }) => text(bytes))).toEqual(['since it was added', 'after'])
      await other.removeMail(phone, [kept[0]?.id ?? ''])
      expect((await one.mail(phone, ALL)).map(({ bytes }) => text(bytes))).toEqual(['after'])
      expect(await one.mail(account, ALL)).toHaveLength(2)
    })

    it('AGENCY-20: a device that was removed has no mailbox, stays removed, and the last that may cannot go', async () => {
      const [account, phone] = [random(), random()]
      await one.inviteDevice(account, phone, true)
      await other.joinAccount(account, phone)
      await one.addMail(account, mailItem('r'))
      await one.swapSlot(account, account, { slot: 's', after: 0, seq: 2 ** 31 }, utf8('in the way'))
      await one.removeDevice(account, account)
      await expect(
        one.swapSlot(account, account, { slot: 's', after: 0, seq: 2 ** 31 }, utf8('sent before')),
      ).rejects.toMatchObject({ code: 'DEVICE_REMOVED' })
      expect(await other.swapSlot(account, phone, { slot: 's', after: 3, seq: 4 }, utf8('on'))).toEqual({
        seq: 4,
        value: utf8('on'),
      })
      expect(await other.mail(account, ALL)).toEqual([])
      expect(await other.standing(account)).toMatchObject({ removed: true })
      await expect(other.joinAccount(account, account)).rejects.toMatchObject({ code: 'DEVICE_REFUSED' })
      await one.addMail(account, mailItem('r'))
      expect(await one.mail(account, ALL)).toEqual([])
      expect(await one.mail(phone, ALL)).toHaveLength(2)
      await expect(other.removeDevice(account, phone)).rejects.toMatchObject({ code: 'DEVICE_REFUSED' })
    })

    it('AGENCY-20: whoever is named by a stranger, as a device to add or to remove, MUST NOT lose anything by it', async () => {
      const [account, phone, mallory] = [random(), random(), random()]
      await one.addMail(account, mailItem('r', 'mine'))
      expect(await one.removeDevice(mallory, account)).toBe(false)
      await other.inviteDevice(mallory, account, true)
      await one.inviteDevice(mallory, phone, true)
      expect(await one.removeDevice(mallory, account)).toBe(false)
      expect(await one.standing(account)).toMatchObject({ account, admin: true, removed: false })
      expect(await other.mail(account, ALL)).toHaveLength(1)
      // Named still while it has a device of its own join.
      await other.inviteDevice(mallory, account, true)
      await one.inviteDevice(account, phone, false)
      await other.joinAccount(account, phone)
      expect(await one.addMail(account, mailItem('r'))).toEqual(expect.arrayContaining([account, phone]))
      await expect(other.inviteDevice(mallory, account, true)).rejects.toMatchObject({ code: 'DEVICE_REFUSED' })
      await expect(one.joinAccount(mallory, account)).rejects.toMatchObject({ code: 'DEVICE_REFUSED' })
    })

    it('AGENCY-20: a device joins whom it means, whoever else has named it, and none but one', async () => {
      const [account, phone, mallory] = [random(), random(), random()]
      await one.inviteDevice(account, phone, false)
      await other.inviteDevice(mallory, phone, true)
      await one.joinAccount(account, phone)
      expect(await other.standing(phone)).toMatchObject({ account, admin: false, removed: false })
      await expect(other.joinAccount(mallory, phone)).rejects.toMatchObject({ code: 'DEVICE_REFUSED' })
      await one.joinAccount(account, phone)
      expect((await one.members(mallory)).some(({ device }) => device === phone)).toBe(false)
      const [laptop, first, second] = [random(), random(), random()]
      for (const owner of [first, second]) await one.inviteDevice(owner, laptop, false)
      const joined = await Promise.allSettled([one.joinAccount(first, laptop), other.joinAccount(second, laptop)])
      expect(joined.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    })

    it('AGENCY-20: an account has so many devices at a time, those that were asked to join among them', async () => {
      const account = random()
      for (let n = 1; n < MAX_DEVICES_PER_ACCOUNT; n++) await one.inviteDevice(account, random(), false)
      await expect(other.inviteDevice(account, random(), false)).rejects.toMatchObject({ code: 'DEVICE_REFUSED' })
      expect(await one.members(account)).toHaveLength(MAX_DEVICES_PER_ACCOUNT)
    })

    it('AGENCY-20: an account that has a device of its own while a stranger names it stays its own', async () => {
      for (let n = 0; n < 10; n++) {
        const [account, phone, mallory] = [random(), random(), random()]
        await Promise.allSettled([one.inviteDevice(account, phone, false), other.inviteDevice(mallory, account, false)])
        expect(await one.members(account)).toHaveLength(2)
        expect(await other.standing(account)).toMatchObject({ account, admin: true })
      }
    })

    it('AGENCY-20: an invitation that is taken back is none; devices that went are counted', async () => {
      const [account, phone] = [random(), random()]
      await one.inviteDevice(account, phone, false)
      expect(await other.removeDevice(account, phone)).toBe(false)
      await expect(one.joinAccount(account, phone)).rejects.toMatchObject({ code: 'DEVICE_REFUSED' })
      for (let n = 1; n < MAX_DEVICES_EVER; n++) {
        const device = random()
        await one.inviteDevice(account, device, false)
        await one.joinAccount(account, device)
        expect(await other.removeDevice(account, device)).toBe(true)
      }
      await expect(one.inviteDevice(account, phone, false)).rejects.toMatchObject({ code: 'DEVICE_REFUSED' })
    })

    it('AGENCY-20: a full mailbox of one device keeps nothing from another', async () => {
      const [account, phone] = [random(), random()]
      await one.inviteDevice(account, phone, false)
      await one.joinAccount(account, phone)
      await one.setRoom(account, { messages: 1, bytes: 1000 })
      await one.addMail(account, mailItem('r', 'first'))
      await other.removeMail(
        phone,
        (await one.mail(phone, ALL)).map(({ id }) => id),
      )
      expect(await other.addMail(account, mailItem('r', 'second'))).toEqual([phone])
      await expect(one.addMail(account, mailItem('r', 'third'))).rejects.toMatchObject({ code: 'MAILBOX_FULL' })
    })

    it('AGENCY-21: of all who put something after the same number one has its way, and each is told what stands', async () => {
      const account = random()
      const put = (store: CloudStore, text: string, after = 4) =>
        store.swapSlot(account, account, { slot: 's', after, seq: after + 1 }, utf8(text))
      const results = await Promise.all(Array.from({ length: 8 }, (_, n) => put(n % 2 ? one : other, String(n))))
      const standing = new Set(results.map(({ seq, value }) => `${seq} ${value}`))
      expect(standing.size).toBe(1)
      const [first] = results
      expect(await put(one, 'late')).toEqual(first)
      expect(await put(other, 'next', 5)).toEqual({ seq: 6, value: utf8('next') })
      expect((await one.swapSlot(random(), random(), { slot: 's', after: 0, seq: 1 }, utf8('x'))).seq).toBe(1)
      for (const seq of [5, 6])
        expect(await other.swapSlot(account, account, { slot: 's', after: 6, seq }, utf8('back'))).toEqual({
          seq: 6,
          value: utf8('next'),
        })
    })

    it('an account that has mail is told of to every listener, under a name that is not its own', async () => {
      const account = random()
      const key = one.accountKey(account)
      const told = (store: CloudStore) =>
        new Promise<string>((resolve) => store.onMail((heard) => heard === key && resolve(heard)))
      const both = Promise.all([told(one), told(other)])
      await one.addMail(account, mailItem('r'))
      expect(await both).toEqual([key, key])
      expect(one.accountKey(account)).not.toContain(account)
    })

    it('a chain of a log takes one of two batches that would follow the same head, whoever is asked', async () => {
      const account = random()
      const vault = base64url.encode(systemRandom(16))
      const put = (store: CloudStore, seq: number, prev: string, text: string) => {
        const [bytes, hash] = [utf8(text), base64url.encode(sha256(utf8(text)))]
        const batch = { kind: 'changes' as const, chain: 'c', seq, prev, hash, bytes }
        return store.putBatches(account, vault, 'k', [batch], 1).then(() => hash)
      }
      const first = await put(one, 0, '', 'first')
      const results = await Promise.allSettled([put(one, 1, first, 'a'), put(other, 1, first, 'b')])
      expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      await expect(other.addReaders('stranger', vault, [], 1)).rejects.toMatchObject({ code: 'BACKUP_NOT_YOURS' })
      await expect(one.putBatches(account, vault, 'another', [], 1)).resolves.toMatchObject({ entries: 0 })
      const page = await other.log(vault, { from: [], entries: 0 }, { maxBytes: 1000, trimmed: false })
      expect([page.shown.length, page.heads[0]?.seq, page.more]).toEqual([2, 1, false])
      const rest = await one.log(vault, { from: [{ chain: 'c', seq: 1 }], entries: 0 }, { maxBytes: 1, trimmed: false })
      expect([rest.shown.length, rest.more]).toEqual([1, false])
      expect((await one.log(vault, { from: [], entries: 0 }, { maxBytes: 1, trimmed: false })).more).toBe(true)
    })

    it('a nonce is good once, for its subject, in time, whoever is asked', async () => {
      await one.giveNonce('n1', 'subject', 0, 100)
      expect(await other.takeNonce('n1', 'another', 50)).toBe(false)
      expect(await one.takeNonce('n1', 'subject', 50)).toBe(false)
      await one.giveNonce('n2', 'subject', 0, 100)
      const taken = await Promise.all([one, other, one, other].map((store) => store.takeNonce('n2', 'subject', 50)))
      expect(taken.filter(Boolean)).toHaveLength(1)
      await one.giveNonce('n3', 'subject', 0, 100)
      expect(await other.takeNonce('n3', 'subject', 101)).toBe(false)
    })

    it('never counts one guess more than allowed, however many ask at both at once', async () => {
      const account = random()
      const bytes = systemRandom(32)
      const record = { account, auth: bytes, share: bytes, guesses: 5, card: bytes, release: bytes, tag: bytes }
      await one.putEscrow('owner', record, 1)
      await other.putEscrow('owner', record, 1)
      await expect(other.putEscrow('thief', record, 1)).rejects.toMatchObject({ code: 'ESCROW_EXISTS' })
      const verdicts = await Promise.all(
        Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? one : other).countGuess(account, systemRandom(32), 1)),
      )
      expect(verdicts.filter(({ verdict }) => verdict === 'counted')).toHaveLength(5)
      expect(await one.escrow(account)).toMatchObject({ used: 5 })
      await one.removeEscrow(account)
      expect(await other.escrow(account)).toBeUndefined()
    })

    it('room and suspension are the operator’s to decide, seen at once by every instance', async () => {
      const account = random()
      await one.setGrants(account, ['mailbox'])
      await one.addMail(account, mailItem('r'))
      await one.setRoom(account, { messages: 1, bytes: 10 })
      await expect(other.addMail(account, mailItem('r'))).rejects.toMatchObject({ code: 'MAILBOX_FULL' })
      await other.setRoom(account, { messages: 5, bytes: 2 })
      await one.addMail(account, mailItem('r'))
      await expect(one.addMail(account, mailItem('r'))).rejects.toMatchObject({ code: 'MAILBOX_FULL' })
      await one.setSuspended(account, true)
      expect((await other.standing(account)).suspended).toBe(true)
      const tenant = (await other.tenants()).find(({ id }) => id === one.accountKey(account))
      expect(tenant).toMatchObject({ services: ['mailbox'], suspended: true, messages: 2, bytes: 2, maxMessages: 5 })
      await one.setSuspended(account, false)
      expect((await other.standing(account)).suspended).toBe(false)
    })

    it('mail that nobody fetched is forgotten after its time, and nothing else', async () => {
      const account = random()
      await one.addMail(account, { ...mailItem('r'), received: -5000 })
      await one.addMail(account, mailItem('r'))
      expect(await other.expireMail(-4000)).toBe(1)
      expect(await one.mailStatus(account)).toMatchObject({ count: 1, oldest: 1 })
    })

    const ROOM = { accountBytes: 10 * PART, totalBytes: 1e12 }
    const part = (id: string, n: number, size = 2 * PART + 1) => ({ id, n, size, bytes: bytesOf(id, n, size) })
    const bytesOf = (id: string, n: number, size: number) =>
      new Uint8Array(Math.min(PART, size - n * PART)).fill(id.charCodeAt(0) + n)

    it('ATTACH-5: a file grows part by part at any instance, and is shown when it is whole, and to nobody before', async () => {
      const [owner, id] = [random(), random()]
      expect(await one.putAttachment(owner, part(id, 0), 7, ROOM)).toEqual({ next: 1, created: 7 })
      expect(await other.putAttachment(owner, part(id, 1), 8, ROOM)).toEqual({ next: 2, created: 7 })
      // The same part at both at once, after a lost answer: it is there once.
      const last = await Promise.all(
        [one, other, one, other].map((at) => at.putAttachment(owner, part(id, 2), 9, ROOM)),
      )
      expect(last).toEqual(Array(4).fill({ next: 3, created: 7 }))
      expect(await other.attachment(id, 6)).toEqual({ size: 2 * PART + 1 })
      expect(await other.attachment(id, 7)).toBeUndefined()
      for (const n of [0, 1, 2]) expect(await one.attachmentPart(id, n)).toEqual(bytesOf(id, n, 2 * PART + 1))
      expect(await one.attachments(owner)).toEqual([{ id, size: 2 * PART + 1, parts: 3, created: 7 }])
      const tenant = async () => (await other.tenants()).find(({ account }) => account === owner)
      await one.setGrants(owner, ['mailbox'])
      expect(await tenant()).toMatchObject({ attachments: 1, attachmentBytes: 2 * PART + 1, maxAttachmentBytes: null })
      expect(await other.removeAttachment('somebody else', id)).toBe(false)
      expect(await other.removeAttachment(owner, id)).toBe(true)
      expect([await one.attachment(id, 6), await one.attachmentPart(id, 0)]).toEqual([undefined, undefined])
      await expect(one.putAttachment(owner, part(id, 1), 9, ROOM)).rejects.toMatchObject({
        code: 'ATTACHMENT_CONFLICT',
      })
    })

    it('ATTACH-5: room is taken once, however many ask at both at once, for an account and for all', async () => {
      const owner = random()
      const begin = (at: CloudStore, by: string, room = ROOM) =>
        at.putAttachment(by, part(random(), 0, 3 * PART), 5, room).then(
          () => 'kept',
          ({ code }: { code: string }) => code,
        )
      const outcomes = await Promise.all(Array.from({ length: 8 }, (_, n) => begin(n % 2 === 0 ? one : other, owner)))
      expect(outcomes.sort()).toEqual([...Array(5).fill('ATTACHMENT_FULL'), ...Array(3).fill('kept')])
      const { attachmentBytes } = await one.totals()
      const tight = { ...ROOM, totalBytes: attachmentBytes + 7 * PART }
      const all = await Promise.all(
        Array.from({ length: 6 }, (_, n) => begin(n % 2 === 0 ? one : other, random(), tight)),
      )
      expect(all.sort()).toEqual([...Array(4).fill('ATTACHMENT_FULL'), 'kept', 'kept'])
      await one.setRoom(owner, { messages: 1, bytes: 1, attachmentBytes: 13 * PART })
      expect(await begin(other, owner)).toBe('kept')
      expect(await begin(other, owner)).toBe('ATTACHMENT_FULL')
    })

    it('ATTACH-5: what is over goes with all its parts, unfinished uploads sooner, and nothing else', async () => {
      const [owner, old, late, unfinished, begun] = [random(), random(), random(), random(), random()]
      const room = { ...ROOM, accountBytes: 1e12 }
      for (const [id, created, parts] of [
        [old, 100, 3],
        [late, 5000, 3],
        [unfinished, 1000, 2],
        [begun, 9000, 2],
      ] as const)
        for (let n = 0; n < parts; n++) await one.putAttachment(owner, part(id, n), created, room)
      await other.expireAttachments({ whole: 200, unfinished: 6000 })
      const left = (await one.attachments(owner)).map(({ id }) => id)
      expect(left.sort()).toEqual([late, begun].sort())
      for (const id of [old, unfinished]) expect(await one.attachmentPart(id, 0)).toBeUndefined()
      expect(await one.attachment(late, 0)).toBeDefined()
      await other.forget(owner)
      expect([await one.attachments(owner), await one.attachmentPart(late, 2)]).toEqual([[], undefined])
    })

    it('one account fills no disk: its vaults, locators and files are counted', async () => {
      const account = random()
      const full = { code: 'MAILBOX_FULL' }
      for (let n = 0; n < MAX_VAULTS_PER_ACCOUNT; n++) await one.addReaders(account, random(), [], 1)
      await expect(other.addReaders(account, random(), [], 1)).rejects.toMatchObject(full)
      const names = Array.from({ length: MAX_LOCATORS_PER_ACCOUNT }, random)
      for (const name of names) await one.putLocator(account, name, utf8('l'))
      await expect(other.putLocator(account, random(), utf8('l'))).rejects.toMatchObject(full)
      await other.putLocator(account, names[0] as string, utf8('m'))
      for (let n = 0; n < MAX_FILES_PER_ACCOUNT; n++)
        await one.putFile(account, random(), 'application/json', utf8('1'))
      await expect(other.putFile(account, random(), 'application/json', utf8('1'))).rejects.toMatchObject(full)
    })

    it('files and locators belong to who put them first', async () => {
      const name = random()
      await one.putFile('a', name, 'application/json', utf8('1'))
      await expect(other.putFile('b', name, 'application/json', utf8('2'))).rejects.toMatchObject({
        code: 'FILE_NOT_YOURS',
      })
      await other.putFile('a', name, 'application/json', utf8('3'))
      expect(new TextDecoder().decode((await one.file(name))?.bytes)).toBe('3')
      await one.putLocator('a', name, utf8('l'))
      await expect(other.putLocator('b', name, utf8('m'))).rejects.toMatchObject({ code: 'LOCATOR_NOT_YOURS' })
      const kept = { id: name, expires: 100, form: 'sealed' as const, bytes: utf8('i') }
      await one.putInvitation('a', kept, 50)
      await expect(other.putInvitation('b', kept, 50)).rejects.toMatchObject({ code: 'INVITATION_NOT_YOURS' })
      await other.removeInvitation('b', name)
      expect(await other.invitation(name, 100)).toEqual(kept)
      expect(await other.invitation(name, 101)).toBeUndefined()
      await one.setGrants('a', ['mailbox'])
      expect(await other.grants('a')).toEqual(['mailbox'])
    })
  })
}

describe('AGENCY-12 migrations', () => {
  it('adopt a database from before versions were counted, and refuse one that a newer agency wrote', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keystead-store-'))
    const first = openSqliteStore(folder)
    await first.store.addMail('a', mailItem('r'))
    await first.close()
    const change = (...statements: string[]): void => {
      const file = new DatabaseSync(join(folder, 'agency.sqlite'))
      for (const statement of statements) file.exec(statement)
      file.close()
    }
    change(
      'drop table schema_version',
      'drop table accounts',
      'drop table push_subscriptions',
      'drop table members',
      'drop table invited',
      'drop table slots',
      'drop table batches',
      'drop table escrow_heads',
      'alter table vaults drop column touched',
      'alter table escrows drop column touched',
      'drop table drops',
      'drop table guards',
      'drop table attachments',
      'drop table attachment_parts',
      'drop index mail_received',
      'drop index mail_status',
      'alter table recipients drop column proven',
    )
    const adopted = openSqliteStore(folder)
    expect(await adopted.store.mailStatus('a')).toMatchObject({ count: 1 })
    await adopted.store.setSuspended('a', true)
    await adopted.close()
    change('update schema_version set version = version + 1')
    expect(() => openSqliteStore(folder)).toThrow(expect.objectContaining({ code: 'DATABASE_NEWER' }))
    rmSync(folder, { recursive: true, force: true })
  })
})

contract('a store on SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keystead-store-'))
  const opened = openSqliteStore(folder)
  const end = async (): Promise<void> => {
    await opened.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return { instances: [opened, opened], end }
})

describe.skipIf(!postgresPrograms())('postgresql', () => {
  let server: PostgresServer
  contract('a store on PostgreSQL, two instances', async () => {
    server = await startPostgres()
    const folder = mkdtempSync(join(tmpdir(), 'keystead-store-'))
    const open = (name: string) =>
      openPostgresStore({ url: server.url, witnessFile: join(folder, name), log: () => {} })
    const instances: [Opened, Opened] = [await open('one'), await open('other')]
    const end = async (): Promise<void> => {
      for (const { close } of instances) await close()
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    }
    return { instances, end }
  })
})
