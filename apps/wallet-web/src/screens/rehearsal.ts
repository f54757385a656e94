/** What a rehearsal found, in words. */
import type { Rehearsal } from '@keystead/agent/edge'
import { h, time } from '../dom.ts'
import { WAYS } from './ways.ts'

const CONTACT: Readonly<Record<Rehearsal['contacts'][number]['result'], string>> = {
  proven: 'has the share',
  'no-answer': 'did not answer: their wallet answers when it is on',
  lost: 'no longer has the share',
  declined: 'declined to keep a share',
  waiting: 'has not agreed to keep a share yet',
}
const AGENT: Readonly<Record<Rehearsal['agents'][number]['result'], string>> = {
  proven: 'has its part of the PIN',
  away: 'does not answer',
  lost: 'no longer has its part',
  locked: 'is locked: too many wrong PINs were tried',
  waiting: 'has not taken its part yet',
}
const KIT: Readonly<Record<Rehearsal['kit'], string>> = {
  read: 'reads well',
  'read-before': 'was read back before',
  'never-read': 'was never read back',
}
const AGENCY: Readonly<Record<Rehearsal['agencies'][number]['result'], string>> = {
  good: 'leads a new device to your backups',
  away: 'does not answer',
  stayed: 'releases nothing for a time: somebody objected',
  wrong: 'does not have your record',
}
const LEDGER: Readonly<Record<Rehearsal['identities'][number]['result'], string>> = {
  good: 'goes to whoever recovers this wallet',
  held: 'goes by your earlier set-up until',
  missing: 'is in no recovery of yours',
  unknown: 'could not be asked for',
}

export function rehearsalView(found: Rehearsal): HTMLElement {
  const lines: [boolean, string][] = [
    ...found.contacts.map(({ label, result }): [boolean, string] => [
      result === 'proven',
      `${label} ${CONTACT[result]}`,
    ]),
    ...found.agents.map(({ operator, result }): [boolean, string] => [
      result === 'proven',
      `${operator} ${AGENT[result]}`,
    ]),
    [found.kit !== 'never-read', `Your kit ${KIT[found.kit]}`],
    ...found.agencies.map(({ url, result }): [boolean, string] => [result === 'good', `${url} ${AGENCY[result]}`]),
    ...found.identities.map(({ label, result, until }): [boolean, string] => [
      result === 'good' || result === 'held',
      `Your DID “${label}” ${LEDGER[result]}${result === 'held' && until !== undefined ? ` ${time(until)}` : ''}`,
    ]),
    ...found.paths.map(({ id, open }): [boolean, string] => [
      open,
      `By ${WAYS[id]}: ${open ? 'you would come back' : 'you would not'}`,
    ]),
  ]
  return h(
    'div',
    {},
    h(
      'p',
      { class: found.ready ? 'good' : 'bad' },
      h('strong', {}, found.ready ? 'You would come back.' : 'You would NOT come back as things are.'),
      ' Nothing was released, counted or changed.',
    ),
    h(
      'ul',
      { class: 'checks' },
      ...lines.map(([good, text]) => h('li', { class: good ? 'good' : 'bad' }, `${good ? '✓' : '✗'} ${text}`)),
    ),
  )
}
