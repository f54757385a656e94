/** What a restored wallet lacks, in words (row N5): what is older than was acknowledged, missing, or left out. */
import { isKeysteadError } from '@keystead/core'
import { type ChainHead, type Gap, missingFrom, type United } from '@keystead/wallet'
import type { Opened } from './open-batches.ts'

export interface Lack {
  readonly code: string
  readonly text: string
}

/** `claims`: heads that other devices, or escrow agents, say there are. */
export function lacksOf(
  { heads, gaps, forks }: United,
  { snapshots, ahead, broken, unreadable }: Opened,
  claims: readonly ChainHead[],
  nameOf: (chain: string) => string,
): Lack[] {
  const lacks: Lack[] = forks.map(({ chain }) => forkText(nameOf(chain)))
  for (const claim of claims)
    try {
      for (const { chain, seq } of missingFrom(heads, [claim]))
        lacks.push(missingText(nameOf(chain), seq - (heads.get(chain)?.seq ?? -1)))
    } catch (error) {
      if (!isKeysteadError(error, 'CHAIN_FORKED')) throw error
      lacks.push(forkText(nameOf(claim.chain)))
    }
  for (const { chain, from, to } of unsaid(gaps, snapshots))
    lacks.push({
      code: 'BATCH_MISSING',
      text: `change batches ${from} to ${to} of ${nameOf(chain)} are at no holder: what changed in them may be older here`,
    })
  for (const chain of ahead)
    lacks.push({
      code: 'CLOCK_AHEAD',
      text: `changes of ${nameOf(chain)} are dated in the future and were left out: is the clock of this device right?`,
    })
  if (broken > 0)
    lacks.push({
      code: 'BATCH_TAMPERED',
      text: `${broken} change batch(es) that one of your devices wrote make no sense`,
    })
  if (unreadable > 0)
    lacks.push({
      code: 'NO_DATA_KEY',
      text: `${unreadable} change batch(es) are sealed to keys that this way back does not have`,
    })
  // Several devices may have seen the same.
  return lacks.filter((lack, index) => lacks.findIndex(({ text }) => text === lack.text) === index)
}

function forkText(device: string): Lack {
  return {
    code: 'CHAIN_FORKED',
    text: `${device} has two histories: somebody copied or stole it; both were taken in`,
  }
}

function missingText(device: string, batches: number): Lack {
  return {
    code: 'LOG_ROLLED_BACK',
    text: `this backup is older than what was acknowledged: the newest ${batches} change batch(es) of ${device} are at none of the holders`,
  }
}

/** A gap that a whole snapshot came after is none: everything was said again. */
function unsaid(gaps: readonly Gap[], snapshots: readonly { chain: string; from: number }[]): Gap[] {
  const whole = (from: number, chain: string): boolean => !gaps.some((gap) => gap.chain === chain && gap.to >= from)
  return gaps.filter(
    ({ chain, to }) =>
      !snapshots.some((snapshot) => snapshot.chain === chain && snapshot.from > to && whole(snapshot.from, chain)),
  )
}
