/** Versions, key periods and key states out of a drawn log. */
import { utf8 } from '@keystead/core'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { describe, expect, test } from 'vitest'
import { agentPeriods } from './agent-periods.ts'
import { openingOf } from './agents.ts'
import { apply } from './apply/apply.ts'
import { keyUrl } from './document.ts'
import { type History, type HistoryEntry, replay } from './history.ts'
import type { KeyLife } from './key-states.ts'
import { signedOperationHash } from './log.ts'
import { parseSubmission } from './parse/submission.ts'
import type { DidState } from './state.ts'
import { Chain } from './testing/chain.ts'
import { START } from './testing/line.ts'
import { NET } from './testing/vectors.ts'
import type { Submission } from './types.ts'
import { resolveVersion } from './versions.ts'

const provider = nodeKeyProvider()
const HOUR = 3600

async function drawn(
  log: string,
  end: number,
  change = (entries: HistoryEntry[]) => entries,
): Promise<{ chain: Chain; history: History }> {
  const chain = await new Chain(provider).draw(log)
  const sent = chain.steps.flatMap(({ text, time, lost }) => (text === undefined ? [] : [{ text, time, lost }]))
  const entries = sent.map(({ text, time, lost }, index): HistoryEntry => {
    const submission = parseSubmission(utf8(text))
    return { submission, entry: { i: index * 3, t: time, lost, p: 1, s: signedOperationHash(submission.operation) } }
  })
  const network = { net: NET, parametersAt: () => chain.parameters, protocol: 1 }
  return { chain, history: replay(change(entries), network, { time: START + end, lost: 0 }) }
}

test('DKMS-24: a history that governance passed through ends in the state that the ledger has', async () => {
  const log = `
    0   genesis auth=a next=b recovery=r:1h by a
    1h  recover key=r auth=x next=y by r x
    4h  update by x`
  const { chain, history } = await drawn(log, 5 * HOUR)
  const parametersAt = ({ time }: { time: number }) => ({
    ...chain.parameters,
    vetoes: time < START + 3 * HOUR ? 2 : 5,
  })
  const sent = chain.steps.map(({ text, time, lost }, index) => {
    const submission = parseSubmission(utf8(text as string))
    const entry = { i: index, t: time, lost, p: 1, s: signedOperationHash(submission.operation) }
    return { submission, entry }
  })
  let state: DidState | undefined
  for (const { submission, entry } of sent) {
    const now = { time: entry.t, lost: entry.lost }
    const result = apply(state, submission, { net: NET, parameters: parametersAt(now), logIndex: entry.i, ...now })
    if (!result.ok) throw new Error(result.code)
    state = result.state
  }
  const replayed = replay(sent, { net: NET, parametersAt, protocol: 1 }, { time: START + 4 * HOUR, lost: 0 })
  expect(replayed.state).toEqual(state)
  expect(replayed.state.recovery.vetoesLeft).toBe(5)
  expect(history.state.recovery.vetoesLeft).toBe(2)
})

const withoutBody = (entry: HistoryEntry): HistoryEntry => {
  const { body: _, ...submission } = entry.submission
  return { ...entry, submission: submission as Submission }
}

const LIFE = `
  0   genesis auth=a next=b recovery=r:24h agents=phone:ADMIN@3h doc=k:assertionMethod by a
  1h  update doc=m:assertionMethod by a
  2h  suspend by a
  4h  rotate auth=b next=c since=90m doc=n:assertionMethod by b
  5h  recover key=r auth=x next=y doc=z:assertionMethod by r x`

describe('versions (DKMS-32)', () => {
  test('each operation that is taken is one, and a delay that changes the document another', async () => {
    const { history } = await drawn(LIFE, 30 * HOUR)
    const { seq, head } = history.state
    const newest = resolveVersion(history, {})
    expect(newest?.metadata).toMatchObject({ versionId: `${seq}-${head}~1`, updated: '2027-01-16T13:00:00Z' })
    expect(newest?.metadata['nextVersionId']).toBeUndefined()
    const pending = resolveVersion(history, { versionId: `${seq}-${head}` })
    expect(pending?.metadata).toMatchObject({ nextVersionId: `${seq}-${head}~1`, nextUpdate: '2027-01-16T13:00:00Z' })
    expect(pending?.document).not.toEqual(newest?.document)
  })

  test('a time has the version that stood then; before the first there is none', async () => {
    const { history } = await drawn(LIFE, 30 * HOUR)
    const at = (hours: number) => resolveVersion(history, { versionTime: START + hours * HOUR })?.metadata['versionId']
    expect([0, 0.5, 1, 3, 4.5].map((hours) => String(at(hours)).split('-')[0])).toEqual(['0', '0', '1', '2', '3'])
    expect(String(at(28.9)).includes('~')).toBe(false)
    expect(String(at(29)).endsWith('~1')).toBe(true)
    expect(resolveVersion(history, { versionTime: START - 1 })).toBeNull()
    expect(resolveVersion(history, { versionId: '9-QmNothing' })).toBeNull()
  })

  test('the past of a DID that ended stays readable', async () => {
    const { history } = await drawn('0 genesis auth=a next=b by a\n1h deactivate reveal=b by b', 2 * HOUR)
    expect(resolveVersion(history, {})?.metadata).toMatchObject({ deactivated: true })
    expect(resolveVersion(history, { versionTime: START })?.document).toHaveProperty('verificationMethod')
    expect(history.deactivatedAt).toBe(START + HOUR)
  })

  test('DKMS-28: an erased body is named as such; one that is missing without is refused', async () => {
    const log = '0 genesis auth=a next=b by a\n1h update by a\n2h erase upTo=0 by a'
    const first = (entries: HistoryEntry[]) => entries.map((entry, i) => (i === 0 ? withoutBody(entry) : entry))
    const { history } = await drawn(log, 3 * HOUR, first)
    expect(resolveVersion(history, { versionTime: START })?.metadata).toMatchObject({ bodyErased: true })
    const second = (entries: HistoryEntry[]) => entries.map((entry, i) => (i === 1 ? withoutBody(entry) : entry))
    await expect(drawn(log, 3 * HOUR, second)).rejects.toMatchObject({ code: 'STATE_INVALID' })
  })
})

describe('keys (DKMS-41, DKMS-42)', () => {
  const statesOf = (life: KeyLife | undefined) =>
    life?.transitions.map(({ state, time }) => `${state} ${(time - START) / HOUR}`)

  test('each key has its states, when and why', async () => {
    const { chain, history } = await drawn(LIFE, 30 * HOUR)
    const of = (name: string, role: string) =>
      history.lives.find((life) => life.k === chain.known(name) && life.role === role)
    expect(statesOf(of('a', 'authority'))).toEqual(['active 0', 'suspended 2', 'deactivated 4', 'compromised 4'])
    expect(of('a', 'authority')?.compromisedSince).toBe(START + 1.5 * HOUR)
    expect(of('a', 'authority')?.transitions.map(({ seq, reason }) => `${seq} ${reason}`)).toEqual([
      '0 brought into force',
      '2 suspended',
      '3 replaced',
      '3 declared compromised',
    ])
    expect(statesOf(of('b', 'authority'))).toEqual(['active 4', 'deactivated 29'])
    expect(statesOf(of('x', 'authority'))).toEqual(['pre-activation 5', 'active 29'])
    expect(statesOf(of('k', 'document'))).toEqual(['active 0', 'deactivated 1'])
    expect(statesOf(history.lives.find(({ role }) => role === 'agent'))?.slice(0, 3)).toEqual([
      'active 0',
      'suspended 2',
      'deactivated 3',
    ])
    expect(history.lives.filter(({ role }) => role === 'recovery')).toHaveLength(1)
  })

  test('a period knows when the DID was suspended, and what a declaration covers', async () => {
    const { chain, history } = await drawn(LIFE, 30 * HOUR)
    const period = (name: string) => history.keys.find(({ k }) => k === chain.known(name))
    expect(period('m')).toMatchObject({
      kid: keyUrl(chain.state.did, chain.known('m')),
      from: START + HOUR,
      until: START + 4 * HOUR,
      compromisedSince: START + 1.5 * HOUR,
      suspended: [{ from: START + 2 * HOUR, until: START + 4 * HOUR }],
    })
    expect(period('k')).not.toHaveProperty('compromisedSince')
    expect(period('n')).toMatchObject({ from: START + 4 * HOUR, until: START + 29 * HOUR })
  })

  test('a key that the rotation for compromise keeps is not compromised', async () => {
    const { chain, history } = await drawn(
      '0 genesis auth=a,board/1 next=b doc=k:assertionMethod by a\n2h rotate auth=b,board next=c since=1h doc=k:assertionMethod by b',
      3 * HOUR,
    )
    expect(history.keys.find(({ k }) => k === chain.known('k'))).not.toHaveProperty('compromisedSince')
    expect(history.lives.find((life) => life.k === chain.known('board'))?.state).toBe('active')
    expect(history.lives.find((life) => life.k === chain.known('a') && life.role === 'authority')?.state).toBe(
      'compromised',
    )
  })
})

describe('agents (DKMS-43)', () => {
  const periodsOf = async (log: string, end: number, name = 'phone') => {
    const { chain, history } = await drawn(log, end * HOUR)
    const opening = openingOf(await chain.multikey(name), chain.salt(name))
    const found = agentPeriods(history, opening, START + end * HOUR)
    return found.map(({ purposes, from, until, compromisedSince }) =>
      [
        purposes.join('+'),
        ...[from, until, compromisedSince].map((t) => (t === undefined ? '-' : (t - START) / HOUR)),
      ].join(' '),
    )
  }
  const GENESIS = '0 genesis auth=a next=b recovery=r:1h agents=phone:AUTHENTICATE,hub:ADMIN+ASSERT by a'

  test('one that may authenticate signs as the DID from its grant until it is taken out', async () => {
    expect(await periodsOf(GENESIS, 9)).toEqual(['authentication 0 - -'])
    expect(await periodsOf(`${GENESIS}\n2h agents drop=phone by a`, 9)).toEqual(['authentication 0 2 -'])
    expect(await periodsOf(GENESIS, 9, 'hub')).toEqual(['assertionMethod 0 - -'])
  })

  test('not from when a lone ADMIN removes it, nor after its time, nor when the DID was recovered or ended', async () => {
    expect(await periodsOf(`${GENESIS}\n2h agents drop=phone by hub`, 9)).toEqual(['authentication 0 2 -'])
    const short = '0 genesis auth=a next=b agents=phone:AUTHENTICATE@3h by a'
    expect(await periodsOf(short, 2)).toEqual(['authentication 0 - -'])
    expect(await periodsOf(short, 9)).toEqual(['authentication 0 3 -'])
    expect(await periodsOf(`${short}\n5h update by a`, 9)).toEqual(['authentication 0 3 -'])
    expect(await periodsOf(`${GENESIS}\n2h recover key=r auth=x next=y by r x`, 9)).toEqual(['authentication 0 3 -'])
    expect(await periodsOf(`${short}\n1h deactivate reveal=b by b`, 9)).toEqual(['authentication 0 1 -'])
  })

  test('who left with a declaration of compromise is doubtful since then', async () => {
    const log = `${GENESIS}\n4h rotate auth=b next=c since=90m doc=n:assertionMethod by b`
    expect(await periodsOf(log, 9)).toEqual(['authentication 0 4 1.5'])
  })

  test('a stranger, another salt, and one that may neither authenticate nor assert have none', async () => {
    expect(await periodsOf(GENESIS, 9, 'stranger')).toEqual([])
    expect(await periodsOf('0 genesis auth=a next=b agents=phone:PROVE by a', 9)).toEqual([])
    const { chain, history } = await drawn(GENESIS, HOUR)
    const opening = openingOf(await chain.multikey('phone'), chain.salt('hub'))
    expect(agentPeriods(history, opening, START + HOUR)).toEqual([])
  })

  test('who signed an operation has shown its entry', async () => {
    const { chain, history } = await drawn(`${GENESIS}\n1h anchor by hub`, 2 * HOUR)
    expect(history.openings).toEqual([openingOf(await chain.multikey('hub'), chain.salt('hub'))])
  })
})
