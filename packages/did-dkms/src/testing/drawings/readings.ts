/** DKMS-20, DKMS-21, DKMS-31, DKMS-32, DKMS-40 to DKMS-42: the state as a leaf, what is taken while something waits, what readers see. */
import type { Drawing } from './drawing.ts'

const SAFE = '0 genesis auth=a next=b recovery=r:24h agents=phone:ADMIN+SUSPEND,laptop:ADMIN by a'
const RECOVERING = `${SAFE}\n1m recover key=r auth=x next=y by r x`
const ENDING = `${SAFE}\n1m deactivate reveal=b by b`
const ENDED = '0 genesis auth=a next=b by a\n1m deactivate reveal=b by b'

const LIFE = `
  0   genesis auth=a next=b recovery=r:24h agents=phone:ADMIN@3h doc=k:assertionMethod by a
  1h  update doc=m:assertionMethod by a
  90m anchor by a
  2h  suspend by a
  4h  rotate auth=b next=c since=90m doc=n:assertionMethod by b
  5h  recover key=r auth=x next=y doc=z:assertionMethod by r x`

/** Another submission's hash: a multihash that nothing has. */
const STRANGE = 'QmNp5n7FFav5ZDaHAj6HzuhJ8LDbL1N6NRzAgT6piWS2Kx'

export const READINGS: readonly Drawing[] = [
  {
    rule: 'DKMS-20',
    title: 'a state is its canonical bytes, under the hash of its DID',
    log: RECOVERING,
    read: { ask: 'leaf' },
  },
  {
    rule: 'DKMS-20',
    title: 'a state that says nothing more has no further members',
    log: '0 genesis auth=a next=b by a',
    read: { ask: 'leaf' },
  },
  {
    rule: 'DKMS-20',
    title: 'an unknown member is refused',
    log: '0 genesis auth=a next=b by a',
    read: { ask: 'leaf', leaf: (text) => text.replace('"seq":0', '"seq":0,"height":7') },
  },
  {
    rule: 'DKMS-20',
    title: 'other bytes of the same state are refused',
    log: '0 genesis auth=a next=b by a',
    read: { ask: 'leaf', leaf: (text) => text.replace('"seq":0', '"seq": 0') },
  },

  {
    rule: 'DKMS-21',
    title: 'while a recovery is pending no update is taken, whoever signs it',
    log: `${RECOVERING}\n2m update by z ! RECOVERY_PENDING`,
  },
  { rule: 'DKMS-21', title: 'but a veto', log: `${RECOVERING}\n2m veto auth=b next=c by b -> -pending` },
  { rule: 'DKMS-21', title: 'and a suspension', log: `${RECOVERING}\n2m suspend by phone -> pending suspension` },
  {
    rule: 'DKMS-21',
    title: 'while a deactivation is held no rotation is taken',
    log: `${ENDING}\n2m rotate auth=b next=c by b ! DEACTIVATION_HELD`,
  },
  {
    rule: 'DKMS-21',
    title: 'but a recovery, which cancels it',
    log: `${ENDING}\n2m recover key=r auth=x next=y by r x -> pending -deactivation`,
  },
  {
    rule: 'DKMS-21',
    title: 'while suspended nothing is anchored',
    log: `${SAFE}\n1m suspend by a\n2m anchor by a ! SUSPENDED`,
  },
  {
    rule: 'DKMS-21',
    title: 'but agents are removed',
    log: `${SAFE}\n1m suspend by a\n2m agents drop=laptop by a -> agents=phone suspension`,
  },
  {
    rule: 'DKMS-21',
    title: 'a DID that ended takes no rotation',
    log: `${ENDED}\n2m rotate auth=b next=c by b ! DEACTIVATED`,
  },
  { rule: 'DKMS-21', title: 'but an erasure', log: `${ENDED}\n2m erase upTo=0 by a -> erased=0 status=deactivated` },

  { rule: 'DKMS-31', title: 'metadata while a recovery is pending', log: LIFE, read: { ask: 'metadata', at: '6h' } },
  { rule: 'DKMS-31', title: 'metadata after it', log: LIFE, read: { ask: 'metadata', at: '30h' } },
  {
    rule: 'DKMS-31',
    title: 'before the first change nothing was updated',
    log: SAFE,
    read: { ask: 'metadata', at: '1h' },
  },
  { rule: 'DKMS-31', title: 'metadata of a DID that ended', log: ENDED, read: { ask: 'metadata', at: '1h' } },

  { rule: 'DKMS-33', title: 'the policy while a recovery is pending', log: LIFE, read: { ask: 'policy', at: '6h' } },
  { rule: 'DKMS-33', title: 'the policy of agents', log: RECOVERING, read: { ask: 'policy', at: '2m' } },

  { rule: 'DKMS-32', title: 'versions by id and by time', log: LIFE, read: { ask: 'versions', at: '30h' } },
  {
    rule: 'DKMS-32',
    title: 'a DID that has ended keeps its versions',
    log: ENDED,
    read: { ask: 'versions', at: '2h' },
  },

  { rule: 'DKMS-40', title: 'the leaf of an operation', log: LIFE, read: { ask: 'log', at: '6h' } },
  {
    rule: 'DKMS-40',
    title: 'a leaf that names another submission is refused',
    log: LIFE,
    read: { ask: 'periods', at: '6h', entries: (all) => all.map((one, n) => (n === 2 ? { ...one, s: STRANGE } : one)) },
  },

  {
    rule: 'DKMS-41',
    title: 'from when until when a key was good, and for what',
    log: LIFE,
    read: { ask: 'periods', at: '30h' },
  },
  { rule: 'DKMS-41', title: 'the keys of a DID that ended', log: ENDED, read: { ask: 'periods', at: '1h' } },
  {
    rule: 'DKMS-41',
    title: 'a history without its beginning is refused',
    log: LIFE,
    read: { ask: 'periods', at: '6h', entries: (all) => all.slice(1) },
  },

  { rule: 'DKMS-42', title: 'each key has its states, when and why', log: LIFE, read: { ask: 'lives', at: '30h' } },
  {
    rule: 'DKMS-42',
    title: 'an agent whose removal waits is suspended',
    log: `${SAFE}\n1h agents drop=laptop by phone`,
    read: { ask: 'lives', at: '2h' },
  },

  {
    rule: 'DKMS-43',
    title: 'an agent that signed stood until its time was over',
    log: '0 genesis auth=a next=b agents=tv:ASSERT@1h by a\n1m anchor by tv',
    read: { ask: 'agents', at: '2h' },
  },
]
