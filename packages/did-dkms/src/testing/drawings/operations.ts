/** DKMS-1 to DKMS-8: what an operation is. */
import { hexadecimal, multibase, multihash, utf8Decode } from '@keystead/core'
import { encodeSubmission } from '../../parse/submission.ts'
import type { Drawing } from './drawing.ts'

const GENESIS = '0 genesis auth=a next=b by a'
const OTHER = multihash.encode(new Uint8Array(32).fill(8))

/** Changes members of the operation, and writes canonically again. */
function changed(members: object): (text: string) => string {
  return (text) => {
    const { op, body } = JSON.parse(text) as { op: object; body?: object }
    const operation = { ...op, ...members }
    return utf8Decode(encodeSubmission({ operation, ...(body ? { body } : {}) } as never))
  }
}

function changedProof(change: (value: string) => string, member = 'proofValue'): (text: string) => string {
  return (text) => {
    const { op } = JSON.parse(text) as { op: { proof: Record<string, string>[] } }
    const [first = {}, ...rest] = op.proof
    return changed({ proof: [{ ...first, [member]: change(first[member] ?? '') }, ...rest] })(text)
  }
}

/** Makes the second of two keys another one. */
const withSecondKey =
  (k: string) =>
  (text: string): string => {
    const { auth } = (JSON.parse(text) as { op: { auth: { keys: object[] } } }).op
    return changed({ auth: { ...auth, keys: [auth.keys[0], { ...auth.keys[1], k }] } })(text)
  }

/** Examples of the did:key method: a key that signs, but in no suite of ours, and one for agreement. */
const SECP256K1 = 'zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme'
const X25519 = 'z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc'

const withoutBody = (text: string): string =>
  utf8Decode(encodeSubmission({ operation: (JSON.parse(text) as { op: never }).op }))

export const OPERATIONS: readonly Drawing[] = [
  { rule: 'DKMS-1', title: 'canonical bytes are taken', log: GENESIS },
  {
    rule: 'DKMS-1',
    title: 'the same with a space is refused',
    log: `${GENESIS} ! BAD_OPERATION`,
    tamper: (t) => t.replace('{', '{ '),
  },
  {
    rule: 'DKMS-1',
    title: 'an unknown member is refused',
    log: `${GENESIS} ! BAD_OPERATION`,
    tamper: changed({ note: 'x' }),
  },
  {
    rule: 'DKMS-1',
    title: 'a member of another type is refused',
    log: `${GENESIS} ! BAD_OPERATION`,
    tamper: changed({ notAfter: '1' }),
  },
  {
    rule: 'DKMS-1',
    title: 'a fraction is refused',
    log: `${GENESIS} ! BAD_OPERATION`,
    tamper: changed({ notAfter: 1.5 }),
  },
  {
    rule: 'DKMS-1',
    title: 'more than 16 KiB are refused',
    log: `${GENESIS} ! BAD_OPERATION`,
    tamper: changed({ note: 'x'.repeat(17_000) }),
  },
  { rule: 'DKMS-2', title: 'the identifier follows from the genesis operation', log: GENESIS },
  {
    rule: 'DKMS-2',
    title: 'a changed genesis gives another identifier',
    log: `${GENESIS} ! SCID_MISMATCH`,
    tamper: changed({ notAfter: 1_800_000_001 }),
  },
  { rule: 'DKMS-3', title: 'the network’s own operations are taken', log: `${GENESIS}\n1m update by a` },
  {
    rule: 'DKMS-5',
    title: 'every type of version 1, one after the other',
    log: `0 genesis auth=a next=b recovery=r:24h by a
      1m update by a
      2m anchor by a
      3m agents put=phone:ADMIN by a
      4m suspend by a
      5m resume by a
      6m erase upTo=0 by a
      7m rotate auth=b next=c by b
      8m recover key=r auth=x next=y by r x
      9m veto auth=c next=d by c
      10m deactivate reveal=d by d -> seq=10 deactivation`,
  },
  {
    rule: 'DKMS-6',
    title: 'the body stands beside what commits to it',
    log: '0 genesis auth=a next=b doc=k:assertionMethod by a\n1m anchor by a',
  },
  {
    rule: 'DKMS-3',
    title: 'an operation of another network is refused',
    log: `${GENESIS} ! SCID_MISMATCH`,
    tamper: changed({ net: OTHER }),
  },
  {
    rule: 'DKMS-3',
    title: 'the network is in every operation',
    log: `${GENESIS}
      1m update by a ! WRONG_NETWORK`,
    tamper: changed({ net: OTHER }),
  },
  {
    rule: 'DKMS-4',
    title: 'an operation after its time is refused',
    log: `${GENESIS}
      1m update by a ! EXPIRED`,
    tamper: changed({ notAfter: 1_800_000_059 }),
  },
  {
    rule: 'DKMS-4',
    title: 'an operation that could wait too long is refused',
    log: `${GENESIS}
      1m update by a ! NOT_AFTER_TOO_FAR`,
    tamper: changed({ notAfter: 1_800_000_060 + 31 * 86_400 }),
  },
  {
    rule: 'DKMS-4',
    title: 'a DID has no operation before its genesis',
    log: `${GENESIS}
      1m update by a ! UNKNOWN_DID`,
    alone: true,
  },
  {
    rule: 'DKMS-4',
    title: 'a number is not skipped',
    log: `${GENESIS}
      1m update by a ! SEQ_MISMATCH`,
    tamper: changed({ seq: 5 }),
  },
  {
    rule: 'DKMS-4',
    title: 'it follows the newest operation',
    log: `${GENESIS}
      1m update by a ! PREV_MISMATCH`,
    tamper: changed({ prev: OTHER }),
  },
  {
    rule: 'DKMS-4',
    title: 'one after the other',
    log: `${GENESIS}
      1m update by a
      2m anchor by a -> seq=2`,
  },
  {
    rule: 'DKMS-4',
    title: 'a DID is registered once',
    log: `${GENESIS}\n1m genesis auth=a next=b by a ! ALREADY_EXISTS`,
  },
  {
    rule: 'DKMS-5',
    title: 'an unknown type is refused',
    log: `${GENESIS} ! BAD_OPERATION`,
    tamper: changed({ type: 'heartbeat' }),
  },
  { rule: 'DKMS-6', title: 'without its body it is refused', log: `${GENESIS} ! BODY_MISMATCH`, tamper: withoutBody },
  {
    rule: 'DKMS-6',
    title: 'with another body it is refused',
    log: `${GENESIS}
      1m update by a ! BODY_MISMATCH`,
    tamper: (t) => t.replace('agency.example', 'agency.invalid'),
  },
  {
    rule: 'DKMS-6',
    title: 'a key appears once',
    log: '0 genesis auth=a next=b doc=k:assertionMethod,k:authentication by a ! BAD_OPERATION',
  },
  {
    rule: 'DKMS-7',
    title: 'the order of proofs does not matter',
    log: `0 genesis auth=a,b/2 next=c by a b
      1m update by b a`,
  },
  { rule: 'DKMS-8', title: 'a proof by Ed25519', log: GENESIS },
  {
    rule: 'DKMS-8',
    title: 'proofs by P-256 and by Ed25519 together',
    log: `0 genesis auth=Pa,b/2 next=Pc,d/2 by Pa b
      1m update by b Pa
      2m rotate auth=Pc,d/2 next=e by Pc d`,
  },
  {
    rule: 'DKMS-8',
    title: 'a P-256 signature with high s is refused',
    log: '0 genesis auth=Pa next=b by Pa ! BAD_PROOF',
    tamper: changedProof(highS),
  },
  {
    rule: 'DKMS-8',
    title: 'a proof that names the suite of another key is refused',
    log: '0 genesis auth=Pa next=b by Pa ! BAD_PROOF',
    tamper: changedProof(() => 'eddsa-jcs-2022', 'cryptosuite'),
  },
  {
    rule: 'DKMS-8',
    title: 'a proof of a suite that the version does not permit is refused',
    log: `${GENESIS} ! SUITE_NOT_PERMITTED`,
    tamper: changedProof(() => 'ecdsa-jcs-2030', 'cryptosuite'),
  },
  {
    rule: 'DKMS-8',
    title: 'so is a key of one, though it need not sign',
    log: `${GENESIS}
      1m rotate auth=b,x:0 next=c by b ! SUITE_NOT_PERMITTED`,
    tamper: withSecondKey(SECP256K1),
  },
  {
    rule: 'DKMS-8',
    title: 'and a key that signs nothing is none',
    log: `${GENESIS}
      1m rotate auth=b,x:0 next=c by b ! BAD_OPERATION`,
    tamper: withSecondKey(X25519),
  },
  {
    rule: 'DKMS-8',
    title: 'a proof by a strange key is refused, even beside enough others',
    log: `${GENESIS}
      1m update by a x ! KEY_NOT_AUTHORIZED`,
  },
  {
    rule: 'DKMS-8',
    title: 'a changed signature is refused',
    log: `${GENESIS} ! BAD_PROOF`,
    tamper: changedProof((value) => value.replace(/.$/, (last) => (last === '2' ? '3' : '2'))),
  },
  {
    rule: 'DKMS-8',
    title: 'the same proof twice is refused',
    log: `${GENESIS} ! BAD_OPERATION`,
    tamper: (text) => {
      const { op } = JSON.parse(text) as { op: { proof: object[] } }
      return changed({ proof: [...op.proof, ...op.proof] })(text)
    },
  },
  {
    rule: 'DKMS-8',
    title: 'a proof of another purpose is refused',
    log: `${GENESIS} ! BAD_OPERATION`,
    tamper: changedProof(() => 'assertionMethod', 'proofPurpose'),
  },
]

/** The other s that verifies where nobody asks for the low one. */
function highS(proofValue: string): string {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const bytes = multibase.decode(proofValue)
  const s = BigInt(`0x${hexadecimal.encode(bytes.subarray(32))}`)
  const high = (order - s).toString(16).padStart(64, '0')
  const out = new Uint8Array(bytes)
  out.set(hexadecimal.decode(high), 32)
  return multibase.encode(out)
}
