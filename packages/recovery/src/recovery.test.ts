import { base64url, multihash, seededRandom, utf8 } from '@keystead/core'
import { keyDigest, xwingPublicKey } from '@keystead/crypto'
import { describe, expect, it } from 'vitest'
import { openBackup, sealBackup, verifyBackup } from './backup.ts'
import { parseBackup } from './backup-format.ts'
import { endorsedStreams, endorseStream } from './endorsement.ts'
import { createKit, kitSecret } from './kit.ts'
import { parseKit, renderKit } from './kit-text.ts'
import { newLocator, openLocatorRecord, sealLocatorRecord } from './locator.ts'
import { derivePath, newGroupSecret } from './paths.ts'
import { parsePolicy } from './policy.ts'
import { openRecoveryKey, sealRecoveryKey } from './recovery-key.ts'
import { combineSharePackets, makeSharePackets, parseSharePacket } from './share-packet.ts'
import { kemKey, signingKey } from './testing/keys.ts'

describe('an owner who has lost every device', () => {
  it('has the kit and two of three contacts, and gets signing key and data back', async () => {
    const random = seededRandom(1)
    const policy = parsePolicy({
      v: 1,
      epoch: 1,
      groups: { P: {}, S: { threshold: 2, count: 3 } },
      paths: [{ id: 'P+S', delay: 259_200 }],
    })
    const contacts = { threshold: 2, count: 3 }
    const genesis = multihash.encode(random(32))
    const checkpoint = { height: 1, hash: base64url.encode(random(32)) }
    const agency = { id: 'did:web:agency.example', operator: 'Agency', endpoint: 'https://agency.example' }

    // Set-up on the first device: path seeds exist only here.
    const device = await signingKey(1)
    const [P, S, locator] = [newGroupSecret(random), newGroupSecret(random), newLocator(random)]
    const seeds = derivePath('P+S', { P, S })
    const pathKey = xwingPublicKey(seeds.kemSeed)
    const stream = base64url.encode(random(16))
    const endorsement = await endorseStream((await signingKey(seeds.readerSeed)).key, { stream, key: device.publicKey })
    const agencies = [agency.endpoint]
    const paper = renderKit(createKit({ secret: P, random, locator, agencies, genesis, checkpoint }))
    const packets = makeSharePackets({ secret: S, policy: contacts, epoch: 1, locator, owner: 'Ada', agencies, random })

    // Later, with public halves only.
    const signingSeed = random(32)
    const context = { subject: 'did:dkms:abc:def', path: 'P+S', epoch: 1 } as const
    const backup = await sealBackup({
      stream,
      seq: 0,
      prev: '',
      epoch: 1,
      payload: utf8(base64url.encode(sealRecoveryKey(signingSeed, pathKey, context))),
      recipients: [{ path: 'P+S', key: pathKey }],
      signer: device.key,
      random,
    })
    const services = { agents: [agency], stores: [agency] }
    const record = sealLocatorRecord(
      locator,
      { seq: 0, ...services, genesis, checkpoint, policy, streams: [endorsement] },
      random,
    )

    // On a new device, from the kit, two packets, and what the agency keeps.
    const kit = parseKit(paper)
    const found = openLocatorRecord(kit.locator, record)
    const secret = combineSharePackets(packets.slice(1).map((packet) => parseSharePacket(packet)))
    const again = derivePath('P+S', { P: kitSecret(kit), S: secret })
    const path = await kemKey(again.kemSeed)
    const reader = await signingKey(again.readerSeed)
    const envelope = parseBackup(backup)
    const writer = endorsedStreams(found.streams, reader.publicKey).get(envelope.stream)
    if (!writer) throw new Error('the stream is endorsed')
    verifyBackup(envelope, writer)
    const sealedKey = base64url.decode(Buffer.from(await openBackup(envelope, path.key)).toString())
    const seed = await openRecoveryKey(path.key, sealedKey, context)
    expect(seed).toEqual(signingSeed)
    expect(keyDigest((await signingKey(seed)).publicKey)).toBe(keyDigest((await signingKey(signingSeed)).publicKey))
  })
})
