import { base64url, seededRandom } from '@keystead/core'
import { encodeMultikey } from '@keystead/crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { kemKey, signingKey } from '../testing/keys.ts'
import { type NewDeviceKeys, spokenCode } from './code.ts'
import { type CeremonyMessage, parseCeremonyMessage } from './messages.ts'
import type { ContactCeremony, ContactEvent, NewDeviceCeremony, NewDeviceEvent } from './state.ts'
import { inviteContact, inviteNewDevice, newSession, stepContact, stepNewDevice } from './step.ts'

const random = seededRandom(1)
const session = newSession(random)
const world = { now: 1000, random }
const EXPIRES = 2000
const keysOf = async (seed: number): Promise<NewDeviceKeys> => ({
  kem: encodeMultikey((await kemKey(seed)).publicKey),
  signing: encodeMultikey((await signingKey(seed)).publicKey),
})
const keys = await keysOf(1)
const thiefKeys = await keysOf(2)

type Of<T extends CeremonyMessage['type']> = Extract<CeremonyMessage, { type: T }>

/** Sends a message as its JSON through the other side's parser. */
function wire<T extends CeremonyMessage['type']>(message: CeremonyMessage | undefined, type: T): Of<T> {
  const parsed = parseCeremonyMessage(JSON.parse(JSON.stringify(message)))
  expect(parsed.type).toBe(type)
  return parsed as Of<T>
}

function untilCode(deviceKeys = keys) {
  const started = stepNewDevice(inviteNewDevice(session, EXPIRES), { type: 'start', keys: deviceKeys }, world)
  const commitment = wire(started.send, 'commitment')
  const asked = stepContact(inviteContact(session, EXPIRES), commitment, world)
  const nonce = wire(asked.send, 'nonce')
  const revealed = stepNewDevice(started.next, nonce, world)
  const reveal = wire(revealed.send, 'reveal')
  const seen = stepContact(asked.next, reveal, world)
  if (revealed.next.state !== 'revealed' || seen.next.state !== 'revealed') throw new Error('no code')
  return { started, commitment, asked, nonce, revealed, reveal, device: revealed.next, contact: seen.next }
}

describe('the approval ceremony', () => {
  it('both sides come to one code, and entering it approves these keys', () => {
    const { device, contact } = untilCode()
    expect(device.code).toMatch(/^[0-9]{8}$/)
    expect(contact.code).toBe(device.code)
    const approved = stepContact(contact, { type: 'code', entered: spokenCode(device.code) }, world)
    expect(approved).toEqual({ next: { role: 'contact', session, expires: EXPIRES, state: 'approved', keys } })
    expect(stepNewDevice(device, { type: 'approve' }, world).next.state).toBe('approved')
  })

  it('the code covers session, both keys and both nonces', () => {
    const codes = Array.from({ length: 20 }, () => untilCode().device.code)
    expect(new Set([...codes, untilCode(thiefKeys).device.code]).size).toBe(21)
  })

  it('the third wrong code MUST refuse the ceremony, also the right one after it', () => {
    const { contact } = untilCode()
    const wrong = { type: 'code', entered: '0000 0000' } as const
    const one = stepContact(contact, wrong, world)
    const two = stepContact(one.next, wrong, world)
    const three = stepContact(two.next, wrong, world)
    expect([one, two, three].map(({ problem }) => problem)).toEqual([
      'CODE_MISMATCH',
      'CODE_MISMATCH',
      'CEREMONY_REFUSED',
    ])
    expect(three.next.state).toBe('refused')
    expect(three.send).toEqual({ type: 'refusal', session })
    const late = stepContact(three.next, { type: 'code', entered: contact.code }, world)
    expect(late).toEqual({ next: three.next, problem: 'CEREMONY_REFUSED' })
    expect(stepContact(two.next, { type: 'code', entered: contact.code }, world).next.state).toBe('approved')
  })

  it('someone in the middle with own keys MUST NOT reach the same code', () => {
    const honest = untilCode()
    const stolen = untilCode(thiefKeys)
    const result = stepContact(stolen.contact, { type: 'code', entered: honest.device.code }, world)
    expect(result.problem).toBe('CODE_MISMATCH')
  })

  it('a reveal of other keys or another nonce than committed MUST end it', () => {
    const { asked, reveal } = untilCode()
    for (const forged of [
      { ...reveal, kem: thiefKeys.kem },
      { ...reveal, signing: thiefKeys.signing },
      { ...reveal, nonce: base64url.encode(random(32)) },
    ])
      expect(stepContact(asked.next, forged, world)).toMatchObject({
        next: { state: 'refused' },
        problem: 'CEREMONY_REFUSED',
      })
  })

  it('a second commitment, a second nonce or a second reveal that differs MUST change nothing', () => {
    const { asked, commitment, device, contact, nonce, reveal } = untilCode()
    const other = base64url.encode(random(32))
    expect(stepContact(asked.next, { ...commitment, commitment: other }, world)).toEqual({
      next: asked.next,
      problem: 'CEREMONY_REFUSED',
    })
    expect(stepNewDevice(device, { ...nonce, nonce: other }, world)).toEqual({
      next: device,
      problem: 'CEREMONY_REFUSED',
    })
    expect(stepContact(contact, { ...reveal, nonce: other }, world)).toEqual({
      next: contact,
      problem: 'CEREMONY_REFUSED',
    })
  })

  it('a repeated message gets the same answer and changes nothing, wrong codes stay counted', () => {
    const { asked, commitment, revealed, nonce, contact, reveal } = untilCode()
    expect(stepContact(asked.next, commitment, world)).toEqual(asked)
    expect(stepNewDevice(revealed.next, nonce, world)).toEqual(revealed)
    const counted = stepContact(contact, { type: 'code', entered: 'x' }, world).next
    expect(stepContact(counted, reveal, world)).toEqual({ next: counted })
  })

  it('a message of another session MUST change nothing', () => {
    const { asked, reveal } = untilCode()
    const stray = { ...reveal, session: newSession(random) }
    expect(stepContact(asked.next, stray, world)).toEqual({ next: asked.next, problem: 'CEREMONY_REFUSED' })
  })

  it('after its time only expiry follows, the right code too', () => {
    const { contact, device } = untilCode()
    const late = { ...world, now: EXPIRES }
    expect(stepContact(contact, { type: 'code', entered: contact.code }, late)).toEqual({
      next: { role: 'contact', session, expires: EXPIRES, state: 'expired' },
      problem: 'CEREMONY_EXPIRED',
    })
    expect(stepNewDevice(device, { type: 'tick' }, late).next.state).toBe('expired')
    expect(stepNewDevice(device, { type: 'tick' }, world)).toEqual({ next: device })
  })

  it('either person may refuse, and the other side learns it', () => {
    const { contact, device } = untilCode()
    const refused = stepContact(contact, { type: 'refuse' }, world)
    expect(refused.problem).toBeUndefined()
    expect(stepNewDevice(device, wire(refused.send, 'refusal'), world)).toMatchObject({
      next: { state: 'refused' },
      problem: 'CEREMONY_REFUSED',
    })
  })

  it('no events without the right code lead a contact to approval', () => {
    const { commitment, reveal } = untilCode()
    const events: fc.Arbitrary<ContactEvent> = fc.constantFrom<ContactEvent[]>(
      commitment,
      reveal,
      { type: 'code', entered: '1234' },
      { type: 'code', entered: '' },
      { type: 'refuse' },
      { type: 'tick' },
    )
    fc.assert(
      fc.property(fc.array(events, { maxLength: 12 }), (list) => {
        let contact: ContactCeremony = inviteContact(session, EXPIRES)
        let wrong = 0
        for (const event of list) {
          const step = stepContact(contact, event, world)
          if (step.problem === 'CODE_MISMATCH') wrong++
          contact = step.next
        }
        expect(contact.state).not.toBe('approved')
        expect(wrong).toBeLessThanOrEqual(2)
      }),
    )
  })

  it('the new device MUST NOT reveal before it has a nonce, and reveals once', () => {
    const { nonce } = untilCode()
    const events: fc.Arbitrary<NewDeviceEvent> = fc.constantFrom<NewDeviceEvent[]>(
      { type: 'start', keys },
      { type: 'start', keys: thiefKeys },
      nonce,
      { ...nonce, nonce: base64url.encode(random(32)) },
      { type: 'approve' },
      { type: 'tick' },
    )
    fc.assert(
      fc.property(fc.array(events, { maxLength: 12 }), (list) => {
        let device: NewDeviceCeremony = inviteNewDevice(session, EXPIRES)
        const codes = new Set<string>()
        for (const event of list) {
          const step = stepNewDevice(device, event, world)
          if (step.send?.type === 'reveal') expect(event.type).toBe('nonce')
          if (step.next.state === 'revealed') codes.add(step.next.code)
          device = step.next
        }
        expect(codes.size).toBeLessThanOrEqual(1)
      }),
    )
  })
})
