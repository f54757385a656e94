/** Share health: who has what they were given proves it, and nobody else; the proof shows nothing. */
import { base64url, seededRandom } from '@keystead/core'
import { describe, expect, it } from 'vitest'
import { healthProof, healthProofHolds, packetHealthKey, registrationHealthKey } from './health.ts'
import { SHARE_PACKET_BYTES } from './limits.ts'
import { newLocator } from './locator.ts'
import { newGroupSecret } from './paths.ts'
import { makeSharePackets } from './share-packet.ts'
import { deal } from './testing/escrow.ts'
import { codeOf } from './testing/mutate.ts'

const random = seededRandom(21)
const policy = { threshold: 2, count: 3 }
const common = { policy, epoch: 1, locator: newLocator(random), owner: 'Ada', agencies: [], random }
const packets = makeSharePackets({ secret: newGroupSecret(random), ...common })
const [bobs, carols] = packets as [Uint8Array, Uint8Array, Uint8Array]
const nonce = (): string => base64url.encode(random(32))

describe('share health (RECOVERY-21)', () => {
  it('a contact who has the packet answers a challenge that the owner made without it', () => {
    const challenge = { nonce: nonce(), subject: 'set' }
    expect(healthProofHolds(packetHealthKey(bobs), challenge, healthProof(packetHealthKey(bobs), challenge))).toBe(true)
  })

  it('another packet, another challenge, or any byte of the packet changed MUST NOT do', () => {
    const challenge = { nonce: nonce(), subject: 'set' }
    const holds = (packet: Uint8Array, answered = challenge) =>
      healthProofHolds(packetHealthKey(bobs), challenge, healthProof(packetHealthKey(packet), answered))
    expect(holds(carols)).toBe(false)
    expect(holds(bobs, { ...challenge, nonce: nonce() })).toBe(false)
    expect(holds(bobs, { ...challenge, subject: 'another' })).toBe(false)
    for (let i = 0; i < SHARE_PACKET_BYTES; i += 37) {
      const changed = Uint8Array.from(bobs)
      changed[i] = (changed[i] ?? 0) ^ 1
      expect(holds(changed)).toBe(false)
    }
  })

  it('neither key nor proof is any part of what is kept', () => {
    const key = packetHealthKey(bobs)
    const proof = healthProof(key, { nonce: nonce(), subject: 'set' })
    const text = Buffer.from(bobs).toString('latin1')
    for (const bytes of [key, proof]) {
      expect(text.includes(Buffer.from(bytes).toString('latin1'))).toBe(false)
      expect(text.includes(base64url.encode(bytes))).toBe(false)
    }
  })

  it('an agent of a PIN whose record is damaged in any field MUST NOT pass', async () => {
    const { records } = await deal('739164', 4)
    const record = records[0] as (typeof records)[number]
    const challenge = { nonce: nonce(), subject: record.account }
    const holds = (changed: object) =>
      healthProofHolds(
        registrationHealthKey(record),
        challenge,
        healthProof(registrationHealthKey({ ...record, ...changed }), challenge),
      )
    expect(holds({})).toBe(true)
    for (const field of ['auth', 'share', 'card', 'release', 'tag'] as const) {
      const bytes = Uint8Array.from(record[field])
      bytes[0] = (bytes[0] ?? 0) ^ 1
      expect(holds({ [field]: bytes })).toBe(false)
    }
    expect(holds({ guesses: record.guesses + 1 })).toBe(false)
  })

  it('what is no packet or no nonce is refused', async () => {
    expect(await codeOf(() => packetHealthKey(bobs.subarray(1)))).toBe('BAD_PARAMETERS')
    expect(await codeOf(() => healthProof(packetHealthKey(bobs), { nonce: 'AAAA', subject: 'set' }))).toBe(
      'BAD_PARAMETERS',
    )
  })
})
