/**
 * What depends on one key, and the steps that replace it, in order (SP 800-130, FR:6.103, FR:6.104; VAULT-10). A pure function
 * of the records: what the ledger shows first, then what contacts see, then what only the owner can do, then the backup.
 */
import type { KeyInfo } from '@keystead/wallet'
import type { OwnLog } from '../log/records.ts'
import type {
  AgentKey,
  Correspondent,
  Device,
  Identity,
  IdentityKeys,
  IssuedCredential,
  OwnDid,
  Profile,
  Relationship,
  RelationshipKeys,
  SubjectKey,
} from '../records.ts'
import type { RecoverySetup } from '../recovery/records.ts'

/** Every record that may name a key. */
export interface KeyUsers {
  readonly profile: Profile
  readonly identities: readonly Identity[]
  readonly identityKeys: readonly IdentityKeys[]
  readonly ownDids: readonly OwnDid[]
  readonly relationships: readonly Relationship[]
  readonly relationshipKeys: readonly RelationshipKeys[]
  readonly correspondents: readonly Correspondent[]
  readonly issued: readonly IssuedCredential[]
  readonly devices: readonly Device[]
  readonly agentKeys: readonly AgentKey[]
  readonly subjectKeys: readonly SubjectKey[]
  readonly setups: readonly RecoverySetup[]
  readonly log?: OwnLog
}

export type Step =
  /** The DID gets new keys by a rotation for compromise (DKMS-12); contacts and issuers see it in the ledger. */
  | { readonly kind: 'identity'; readonly subject: string; readonly text: string }
  /** The status list of this issuer is signed anew. */
  | { readonly kind: 'status list'; readonly subject: string; readonly text: string }
  /** New keys towards one contact, who is told by the entry (RELATIONSHIP-24). */
  | { readonly kind: 'relationship'; readonly subject: string; readonly text: string }
  | { readonly kind: 'correspondent'; readonly subject: string; readonly text: string }
  /** A credential that this key may have signed since: to be judged by whoever issued it. */
  | { readonly kind: 'credential'; readonly subject: string; readonly text: string }
  /** This device's own entry in the registry of the DID whose authority it holds, with another key (DEVICE-18). */
  | { readonly kind: 'own entry'; readonly subject: string; readonly text: string }
  /** This device's entry in the registry of a DID that another one made for an issuer, with another key (CREDENTIAL-19). */
  | { readonly kind: 'subject entry'; readonly subject: string; readonly text: string }
  /** No operation of ours replaces it by itself; `text` says what the owner does. */
  | { readonly kind: 'by hand'; readonly subject: string; readonly text: string }
  | { readonly kind: 'backup'; readonly subject: string; readonly text: string }

/** `since`: seconds since 1970 from when on somebody else may have used the key. */
export function planReplacement(key: Pick<KeyInfo, 'keyId' | 'purpose'>, since: number, users: KeyUsers): Step[] {
  const steps = [
    ...identitySteps(key.keyId, since, users),
    ...pairwiseSteps(key.keyId, users),
    ...otherSteps(key, users),
  ]
  if (users.setups.length === 0 || !steps.some(({ kind }) => kind !== 'by hand')) return steps
  return [
    ...steps,
    { kind: 'backup', subject: 'self', text: 'a new backup, sealed to the recovery keys, of what changed' },
  ]
}

function identitySteps(keyId: string, since: number, users: KeyUsers): Step[] {
  return users.identityKeys.flatMap((keys): Step[] => {
    if (![keys.authority, keys.next, keys.signing, keys.agreement].includes(keyId)) return []
    const { did } = keys
    const identity = users.identities.find((one) => one.did === did)
    if (!identity || identity.status === 'retired' || identity.status === 'lost') return []
    if (keys.next === keyId)
      return [byHand(did, `recover ${did}: the key that its next rotation was committed to is the one compromised`)]
    if (identity.status === 'recovering' || identity.alert)
      return [byHand(did, `replace it again once the recovery of ${did} is over or vetoed`)]
    const signed = users.issued.filter(({ credential }) => credential?.['issuer'] === did)
    const credentials = signed.filter(
      ({ credential, revokedAt }) => credential && revokedAt === undefined && issuedAt(credential) >= since,
    )
    return [
      { kind: 'identity', subject: did, text: `new keys for ${did}, doubtful since ${iso(since)}` },
      ...(signed.length > 0
        ? [{ kind: 'status list' as const, subject: did, text: `the status list of ${did}, signed anew` }]
        : []),
      ...credentials.map(({ id, type }) => ({
        kind: 'credential' as const,
        subject: id,
        text: `${type} ${id} was issued since: revoke it if you did not mean it, else issue it again`,
      })),
      ...users.devices
        .filter((device) => device.did === did)
        .map(({ h, name }) => byHand(h, `grant the device "${name}" again: the rotation takes every grant away`)),
    ]
  })
}

function pairwiseSteps(keyId: string, users: KeyUsers): Step[] {
  const named = new Set(
    users.ownDids
      .filter((own) => own.authentication.keyId === keyId || own.keyAgreement.keyId === keyId)
      .map(({ did }) => did),
  )
  const relationships = users.relationships.flatMap((relationship): Step[] => {
    const { id, label, status, mine, recovering, alert, joining } = relationship
    const keys = users.relationshipKeys.find((one) => one.id === id)
    const isNext = keys?.next === keyId
    if (!isNext && keys?.authentication !== keyId && !named.has(mine.state.now.did)) return []
    if (status === 'closed' || status === 'closing') return []
    const name = label || id
    if (isNext || recovering || alert || joining || status !== 'connected')
      return [byHand(id, `end the contact ${name} and connect anew: its keys cannot be rotated now`)]
    return [{ kind: 'relationship', subject: id, text: `new keys towards ${name}, who is told` }]
  })
  const correspondents = users.correspondents.flatMap(({ id, label, own, status }): Step[] => {
    if (!named.has(own) || status === 'closed') return []
    const signs = users.ownDids.some(({ did, authentication }) => did === own && authentication.keyId === keyId)
    // A rotation of theirs is proven by this very key, and so by whoever has it.
    if (signs || status !== 'connected')
      return [
        byHand(id, `end the contact ${label || id} and connect anew: nothing else proves a change of keys to them`),
      ]
    return [{ kind: 'correspondent', subject: id, text: `a new DID towards ${label || id}, who is told` }]
  })
  return [...relationships, ...correspondents]
}

function otherSteps({ keyId, purpose }: Pick<KeyInfo, 'keyId' | 'purpose'>, users: KeyUsers): Step[] {
  const steps: Step[] = []
  const account = users.ownDids.find(({ did }) => did === users.profile.agency?.account)
  if (account && (account.authentication.keyId === keyId || account.keyAgreement.keyId === keyId))
    steps.push(byHand(account.did, 'tell the agency: its account with you has this key, and the mailbox stands still'))
  for (const { name, keyId: own, h, own: entry } of users.agentKeys) {
    if (own !== keyId) continue
    steps.push(
      entry
        ? { kind: 'own entry', subject: h, text: 'a new entry of this device in the registry of your DID' }
        : byHand(h, `have the grant of this device ("${name}") taken back by who granted it`),
    )
  }
  for (const { name, keyId: own } of users.subjectKeys)
    if (own === keyId)
      steps.push({ kind: 'subject entry', subject: name, text: `a new key of this device to sign as ${name}` })
  if (users.log && [users.log.signing, users.log.sealing].includes(keyId))
    steps.push(
      byHand(users.log.chain, 'recover this wallet into a new one: this key signs or opens its log and its backups'),
    )
  if (purpose === 'approval')
    steps.push(byHand(keyId, 'tell the owners of wallets that list this key as an approver: they change their policy'))
  if (purpose === 'audit')
    steps.push(
      byHand(
        keyId,
        'export the audit log and keep it: a new key signs from here on, and the old one could sign another past',
      ),
    )
  return steps
}

const byHand = (subject: string, text: string): Step => ({ kind: 'by hand', subject, text })

function issuedAt(credential: { readonly [name: string]: unknown }): number {
  const at = Date.parse(String(credential['validFrom']))
  // Without a date it may have been signed at any time.
  return Number.isNaN(at) ? Infinity : Math.floor(at / 1000)
}

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
