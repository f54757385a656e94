import { base64url, multihash, seededRandom, systemRandom } from '@keystead/core'
import { keyDigest, xwingPublicKey } from '@keystead/crypto'
import {
  newDataKey,
  openBatch,
  parseBatch,
  parseEntry,
  readAuthority,
  sealBatch,
  signEntry,
  unite,
  unwrapDataKey,
  wrapDataKey,
} from '@keystead/wallet'
import { describe, expect, it } from 'vitest'
import { createKit, kitSecret } from './kit.ts'
import { parseKit, renderKit } from './kit-text.ts'
import { newLocator, openLocatorRecord, sealLocatorRecord } from './locator.ts'
import { checkAnchor, vouchForLog } from './log-anchor.ts'
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
    const vouching = await signingKey(seeds.readerSeed)
    const [log, chain] = [base64url.encode(random(16)), base64url.encode(random(16))]
    const [dataKey, sealing] = [newDataKey(systemRandom), await kemKey(3)]
    const entry = await signEntry(
      {
        log,
        seq: 0,
        prev: '',
        also: [],
        devices: [{ chain, key: device.publicKey, kem: sealing.publicKey }],
        threshold: 1,
        paths: [{ kem: pathKey, reader: vouching.publicKey }],
        epoch: 0,
        wraps: wrapDataKey(log, 0, dataKey, [pathKey]),
        former: new Uint8Array(0),
        about: new Uint8Array(0),
      },
      [device.key],
    )
    const anchor = await vouchForLog({ log, seq: 0, hash: entry.hash }, [vouching.key])
    const agencies = [agency.endpoint]
    const paper = renderKit(createKit({ secret: P, random, locator, agencies, genesis, checkpoint }))
    const packets = makeSharePackets({ secret: S, policy: contacts, epoch: 1, locator, owner: 'Ada', agencies, random })

    // Later, with public halves only.
    const signingSeed = random(32)
    const context = { subject: 'did:dkms:abc:def', path: 'P+S', epoch: 1 } as const
    const sealedSeed = base64url.encode(sealRecoveryKey(signingSeed, pathKey, context))
    const { bytes } = await sealBatch({
      kind: 'changes',
      log,
      chain,
      seq: 0,
      prev: '',
      epoch: 0,
      dataKey,
      signer: device.key,
      operations: [
        {
          segment: 'authority',
          category: 'recovery-key',
          name: context.subject,
          stamp: { wall: 1, count: 0, chain },
          value: { sealed: sealedSeed },
        },
      ],
      seen: [],
    })
    const stores = [{ vault: base64url.encode(random(16)), operator: 'Agency', endpoint: agency.endpoint }]
    const record = sealLocatorRecord(
      locator,
      { seq: 0, agents: [agency], stores, genesis, checkpoint, policy, log: anchor },
      random,
    )

    // On a new device, from the kit, two packets, and what the agency keeps.
    const kit = parseKit(paper)
    const found = openLocatorRecord(kit.locator, record)
    const secret = combineSharePackets(packets.slice(1).map((packet) => parseSharePacket(packet)))
    const again = derivePath('P+S', { P: kitSecret(kit), S: secret })
    const path = await kemKey(again.kemSeed)
    const reader = await signingKey(again.readerSeed)
    const trusted = checkAnchor(found.log, reader.publicKey)
    const authority = readAuthority(trusted.log, [parseEntry(entry.bytes)], trusted)
    const [batch] = unite(trusted.log, authority.entry.devices, [parseBatch(bytes)]).batches
    if (!batch) throw new Error('the batch is a listed device’s')
    const { operations } = await openBatch(batch, trusted.log, await unwrapDataKey(authority.entry, path.key))
    const sealedKey = base64url.decode(String(operations[0]?.value?.['sealed']))
    const seed = await openRecoveryKey(path.key, sealedKey, context)
    expect(seed).toEqual(signingSeed)
    expect(keyDigest((await signingKey(seed)).publicKey)).toBe(keyDigest((await signingKey(signingSeed)).publicKey))
  })
})
