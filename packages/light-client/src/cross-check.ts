/**
 * Cross-checking a new header with other nodes (specification v0.38, "Light Client / Attack Detection"): a node that lies with
 * the help of a third of the validators is found out by one that does not.
 */
import { base64url, type Clock, equalBytes, isKeysteadError, type JsonObject, KeysteadError } from '@keystead/core'
import type { LedgerReadErrorCode } from './errors.ts'
import { follow, type LightProvider } from './follow.ts'
import { encodeHead, type Head } from './head.ts'
import { headerHash } from './header.ts'
import { encodeLightBlock, type LightBlock } from './light-block.ts'
import type { Trusted, VerifierRules } from './verifier.ts'

/** A node may have a block a moment later than another: asked again so often, so many milliseconds apart. */
const TRIES = 4
const PAUSE_MS = 500

/**
 * One witness must show the same header; further ones are not asked. Rejects with `LEDGER_FORKED`, evidence kept, when a witness
 * shows another header that verifies from the same trusted one; with `WITNESSES_SILENT` when there are witnesses and none of them
 * confirms. A witness whose header does not verify is passed over.
 */
export async function crossCheck(parts: {
  readonly trusted: Trusted
  readonly head: Head
  readonly witnesses: readonly LightProvider[]
  readonly rules: VerifierRules
  readonly clock: Clock
  readonly keepEvidence: (evidence: JsonObject) => Promise<void>
}): Promise<void> {
  const { trusted, head, witnesses, rules, clock } = parts
  const hash = headerHash(head.header)
  for (const witness of witnesses) {
    const block = await ask(witness, head.header.height, clock)
    if (!block) continue
    if (equalBytes(headerHash(block.header), hash)) return
    if (!(await verifies(trusted, block, witness, rules))) continue
    await parts.keepEvidence(attackEvidence(trusted, head, block, witness))
    throw new KeysteadError<LedgerReadErrorCode>(
      'LEDGER_FORKED',
      `${witness.name} shows another block ${head.header.height} that is signed as well: the validators are at odds`,
      { details: { height: head.header.height } },
    )
  }
  if (witnesses.length > 0)
    throw new KeysteadError<LedgerReadErrorCode>('WITNESSES_SILENT', 'no other node confirms the newest header', {
      details: { height: head.header.height, asked: witnesses.length },
    })
}

async function ask(witness: LightProvider, height: number, clock: Clock): Promise<LightBlock | undefined> {
  try {
    for (let attempt = 1; ; attempt++) {
      const block = await witness.lightBlock(height)
      if (block || attempt === TRIES) return block
      await clock.sleep(PAUSE_MS)
    }
  } catch (error) {
    if (isKeysteadError(error)) return undefined
    throw error
  }
}

async function verifies(
  trusted: Trusted,
  block: LightBlock,
  witness: LightProvider,
  rules: VerifierRules,
): Promise<boolean> {
  try {
    await follow(trusted, block, witness, rules)
    return true
  } catch (error) {
    if (isKeysteadError(error)) return false
    throw error
  }
}

/** As CometBFT's LightClientAttackEvidence: the common header, and both that follow from it. */
function attackEvidence(trusted: Trusted, head: Head, block: LightBlock, witness: LightProvider): JsonObject {
  return {
    kind: 'attack',
    network: trusted.chainId,
    commonHeight: trusted.height,
    commonHash: trusted.hash,
    shown: base64url.encode(encodeHead(head)),
    conflicting: base64url.encode(encodeLightBlock(block)),
    witness: witness.name,
  }
}
