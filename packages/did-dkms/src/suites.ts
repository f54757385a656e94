/**
 * Signature suites of operations (DKMS-8). Which ones may be used is the protocol version's to say (rule 14, NET-14): a new suite
 * is announced, in force from one block on for everybody, and refused before.
 */
import { decodeMultikey, type VerificationSuite } from '@keystead/crypto'
import type { NetworkOperation } from './network/types.ts'
import type { Operation } from './types.ts'

export interface OperationSuite {
  /** What proofs call it. */
  readonly cryptosuite: string
  /** What its keys are. */
  readonly key: VerificationSuite
}

/** No cryptosuite and no kind of key twice. */
export type OperationSuites = readonly OperationSuite[]

/** Those of protocol version 1, with which every network begins. */
export const FIRST_SUITES: OperationSuites = [
  { cryptosuite: 'eddsa-jcs-2022', key: 'ed25519' },
  { cryptosuite: 'ecdsa-jcs-2019', key: 'p256' },
]

/** The suite of a key; undefined where it is not among those permitted. */
export function suiteOf(suites: OperationSuites, key: string): OperationSuite | undefined {
  return suites.find((suite) => suite.key === key)
}

export function arePermitted(suites: OperationSuites, multikeys: readonly string[]): boolean {
  return multikeys.every((k) => suiteOf(suites, decodeMultikey(k).suite) !== undefined)
}

/** True if every proof, and every key that is shown as one that signs, is of a permitted suite. */
export function isPermitted(suites: OperationSuites, operation: Operation | NetworkOperation): boolean {
  const named = operation.proof.every(({ cryptosuite }) => suites.some((suite) => suite.cryptosuite === cryptosuite))
  return named && arePermitted(suites, shownKeys(operation))
}

/** Keys that the operation says may sign: what is committed by digest is looked at when it is shown. */
function shownKeys(operation: Operation | NetworkOperation): readonly string[] {
  switch (operation.type) {
    case 'genesis':
    case 'rotate':
    case 'veto':
    case 'governance':
      return operation.auth.keys.map(({ k }) => k)
    case 'recover':
      return [operation.key, ...operation.auth.keys.map(({ k }) => k)]
    case 'deactivate':
      return operation.reveal
    case 'update':
    case 'anchor':
    case 'agents':
    case 'suspend':
      return operation.open?.map(({ k }) => k) ?? []
    case 'resume':
    case 'erase':
    case 'validators':
    case 'parameters':
    case 'upgrade':
    case 'cancel':
      return []
  }
}
