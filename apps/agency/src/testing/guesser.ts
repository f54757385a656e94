/**
 * A process that guesses: so many requests at once, each with an element of its own, repeated while the agency is away. Reads
 * its task as JSON from the first argument; prints each element that was evaluated.
 */
import { EdgeAgent, vaultPins } from '@keystead/agent/edge'
import { base64url, isKeysteadError, systemClock, systemRandom } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { fetchGenesis, LedgerClient } from '@keystead/light-client'
import { createVault, memoryVaultStore } from '@keystead/wallet'
import { ask } from '../../../../packages/agent/src/edge/agency-link.ts'
import type { Edge } from '../../../../packages/agent/src/edge/context.ts'
import { makeAccount } from '../../../../packages/agent/src/edge/own-dids.ts'
import { signEscrow } from '../../../../packages/agent/src/edge/recovery/escrow-deal.ts'
import { put } from '../../../../packages/agent/src/edge/store.ts'
import {
  ESCROW_CHALLENGE_REQUEST,
  ESCROW_EVALUATE,
  parseEscrowChallenge,
  parseEscrowEvaluation,
} from '../../../../packages/agent/src/protocols/escrow/messages.ts'
import { blindInput } from '../../../../packages/recovery/src/escrow/oprf.ts'

export interface GuessTask {
  readonly ledger: string
  /** DID of the agent. */
  readonly agent: string
  /** Accounts to guess at in turn, with the seeds of the keys that sign. */
  readonly accounts: readonly { readonly account: string; readonly auth: string }[]
  readonly requests: number
}

export async function edgeOf(ledgerUrl: string): Promise<{ edge: Edge; sender: string; close: () => Promise<void> }> {
  const common = { keys: nodeKeyProvider(), clock: systemClock, random: systemRandom }
  const vault = await createVault({ store: memoryVaultStore(), ...common }, { kind: 'raw', key: systemRandom(32) })
  const genesis = await fetchGenesis(fetch, ledgerUrl)
  const pins = vaultPins(vault, systemClock)
  const ledger = new LedgerClient({ url: ledgerUrl, genesis, fetch, pins, clock: systemClock })
  const { edge } = new EdgeAgent({ vault, ledger, fetch, ...common })
  const own = await makeAccount(edge)
  await edge.records.commit([put('own-did', own.did, own)])
  return { edge, sender: own.did, close: () => vault.lock() }
}

/** The code of a refusal, or `evaluated`. */
export async function guess(
  edge: Edge,
  sender: string,
  { agent, account, auth, element }: { agent: string; account: string; auth: Uint8Array; element: Uint8Array },
): Promise<string> {
  try {
    const challenge = await ask(edge, agent, sender, { type: ESCROW_CHALLENGE_REQUEST, body: { account } })
    const { nonce } = parseEscrowChallenge(challenge.body)
    const request = { step: 'evaluate', agent, sender, account, nonce, content: element } as const
    const signature = await signEscrow(edge, auth, request)
    const body = { account, nonce, signature, element: base64url.encode(element) }
    parseEscrowEvaluation((await ask(edge, agent, sender, { type: ESCROW_EVALUATE, body })).body)
    return 'evaluated'
  } catch (error) {
    if (isKeysteadError(error)) return error.code
    throw error
  }
}

if (process.argv[1] === import.meta.filename) {
  const task = JSON.parse(process.argv[2] ?? '') as GuessTask
  const { edge, sender, close } = await edgeOf(task.ledger)
  const one = async (number: number): Promise<void> => {
    const target = task.accounts[number % task.accounts.length] as GuessTask['accounts'][number]
    const { element } = blindInput(systemRandom(32), systemRandom)
    const auth = base64url.decode(target.auth)
    for (let attempt = 0; attempt < 60; attempt++) {
      const outcome = await guess(edge, sender, { agent: task.agent, account: target.account, auth, element })
      if (outcome === 'evaluated') console.log(JSON.stringify([target.account, base64url.encode(element)]))
      // A lost nonce or a dead agency: the same element again, which is no second guess.
      if (outcome !== 'AGENCY_UNREACHABLE' && outcome !== 'ESCROW_REFUSED') return
      await systemClock.sleep(250)
    }
  }
  await Promise.all(Array.from({ length: task.requests }, (_, number) => one(number)))
  await close()
}
