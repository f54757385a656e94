/** A DID with one key and the evidence a ledger would give on it; tests only. */
import type { JsonObject } from '@keystead/core'
import { keyDigest, type SigningKey } from '@keystead/crypto'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { type CredentialTemplate, issueCredential } from '../credential.ts'
import type { DidEvidence, KeyEvidence } from '../evidence.ts'
import { issueStatusList, type StatusList } from '../status-credential.ts'
import { emptyStatusList } from '../status-list.ts'
import { iso } from '../time.ts'

/** The day the tests play on. */
export const NOW = Date.UTC(2026, 5, 1) / 1000
export const DAY = 86_400

const provider = nodeKeyProvider()
export const newKey = (suite: 'ed25519' | 'p256' = 'ed25519'): Promise<SigningKey> =>
  provider.ephemeral({ kind: 'signing', suite })

export class Party {
  readonly did: string
  readonly key: SigningKey
  readonly kid: string

  constructor(name: string, key: SigningKey) {
    this.did = `did:dkms:aaaaaaaaaaaaaaaa:${name}`
    this.key = key
    this.kid = `${this.did}#${keyDigest(key.publicKey)}`
  }

  static async create(name: string): Promise<Party> {
    return new Party(name, await newKey())
  }

  period(parts: Partial<KeyEvidence> = {}): KeyEvidence {
    return {
      kid: this.kid,
      publicKey: this.key.publicKey,
      purposes: ['assertionMethod', 'authentication'],
      from: NOW - 100 * DAY,
      ...parts,
    }
  }

  evidence(parts: Partial<DidEvidence> = {}): DidEvidence {
    return { did: this.did, level: 'bft', asOf: NOW, keys: [this.period()], anchors: [], ...parts }
  }

  issue(subject: string, parts: Partial<CredentialTemplate> = {}): Promise<JsonObject> {
    const template = {
      type: 'Employee',
      issuer: this.did,
      subject,
      claims: { role: 'Ingénieure', floors: [1, 2.5], badge: { open: true, note: null } },
      validFrom: iso(NOW - 10 * DAY),
      ...parts,
    }
    return issueCredential(template, this.key, this.kid)
  }

  statusList(parts: Partial<StatusList> = {}): Promise<JsonObject> {
    return issueStatusList(this.list(parts), this.key, this.kid)
  }

  list(parts: Partial<StatusList> = {}): StatusList {
    return {
      id: 'https://agency.example/status/1',
      issuer: this.did,
      validFrom: iso(NOW - DAY),
      list: emptyStatusList(),
      changes: [],
      ...parts,
    }
  }

  status(index: number): NonNullable<CredentialTemplate['status']> {
    return {
      type: 'BitstringStatusListEntry',
      statusPurpose: 'revocation',
      statusListIndex: String(index),
      statusListCredential: 'https://agency.example/status/1',
    }
  }
}

/** `document` with members of it replaced or, by undefined, removed. */
export function altered(document: JsonObject, parts: Record<string, unknown>): JsonObject {
  return JSON.parse(JSON.stringify({ ...document, ...parts })) as JsonObject
}

/** Every text that differs from `text` by one bit, one byte more or one byte less. */
export function* mutations(bytes: Uint8Array): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = new Uint8Array(bytes)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << bit)
      yield flipped
    }
    yield Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1)])
    yield Uint8Array.from([...bytes.subarray(0, at), bytes[at] ?? 0, ...bytes.subarray(at)])
  }
}
