/** Headers and commits on disk: each whole, each linked to the one before, the newest signed (KEEP-2). */
import { equalBytes } from '@keystead/core'
import { appHash, type Head, headerHash, Votes, validatorsHash, validatorsOf } from '@keystead/light-client'
import { readBlock, readTip } from '../engine/embedded/blocks.ts'
import { readNetwork } from '../state/execute.ts'
import type { PinnedReader } from '../state/store.ts'
import type { Report } from './fault.ts'

/** Reports faults of the blocks; what the newest proves, if it is to be believed. */
export function checkBlocks(source: PinnedReader, report: Report): Head | undefined {
  let before: Head | undefined
  for (const [key] of source.range('k')) {
    const height = Buffer.from(key).readUIntBE(0, 6)
    const wrong = (message: string): void => report({ code: 'BLOCK', where: `block ${height}`, message })
    const head = attempt(() => readBlock(source, height)?.head)
    if (!head) {
      wrong('cannot be read')
      before = undefined
      continue
    }
    const { header, commit } = head
    if (header.height !== height) wrong(`is block ${header.height}`)
    if (!equalBytes(headerHash(header), commit.blockId.hash)) wrong('its commit is of another header')
    if (before?.header.height === height - 1 && !equalBytes(header.lastBlockId.hash, headerHash(before.header)))
      wrong('does not continue the block before')
    before = head
  }
  return checkTip(source, report)
}

function checkTip(source: PinnedReader, report: Report): Head | undefined {
  const wrong = (message: string): undefined => void report({ code: 'HEAD', where: 'newest block', message })
  const tip = attempt(() => readTip(source)?.head)
  if (!tip) return wrong('is missing or cannot be read')
  const { header, commit } = tip
  if (!equalBytes(header.appHash, appHash(tip.mapRoot, tip.logRoot, tip.logSize)))
    return wrong('its roots are not the ones that its header commits to')
  // The set in force lies in the map, which is then checked against this very header: a damaged one is named there.
  const validators = attempt(() => validatorsOf(readNetwork(source).validators.set))
  if (validators && equalBytes(header.validatorsHash, validatorsHash(validators))) {
    const votes = new Votes(header.chainId, commit)
    if (!attempt(() => votes.requireTwoThirds(validators) ?? true)) wrong('is not signed by its validators')
  } else if (validators && !equalBytes(header.nextValidatorsHash, validatorsHash(validators)))
    wrong('names other validators than the state has')
  return tip
}

export function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
