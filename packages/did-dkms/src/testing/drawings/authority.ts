/** DKMS-10 to DKMS-12: keys in force, pre-rotation, compromise. */
import type { Drawing } from './drawing.ts'

const ONE = '0 genesis auth=a next=b by a'
const BOARD = '0 genesis auth=a,b,c/2 next=d,e,f/2 by a b'

export const AUTHORITY: readonly Drawing[] = [
  { rule: 'DKMS-10', title: 'a key in force updates', log: `${ONE}\n1m update by a` },
  { rule: 'DKMS-10', title: 'a next key does not update', log: `${ONE}\n1m update by b ! KEY_NOT_AUTHORIZED` },
  { rule: 'DKMS-10', title: 'two keys of three do', log: `${BOARD}\n1m update by a c` },
  {
    rule: 'DKMS-10',
    title: 'one key of three does not reach two',
    log: `${BOARD}\n1m update by a ! THRESHOLD_NOT_MET`,
  },
  { rule: 'DKMS-10', title: 'weights add up', log: '0 genesis auth=a:3,b:1,c:1/3 next=d by a\n1m update by a' },
  {
    rule: 'DKMS-10',
    title: 'light keys do not reach what one heavy key does',
    log: '0 genesis auth=a:3,b:1,c:1/3 next=d by a\n1m update by b c ! THRESHOLD_NOT_MET',
  },
  {
    rule: 'DKMS-10',
    title: 'a threshold that cannot be reached is refused',
    log: '0 genesis auth=a/2 next=b by a ! BAD_OPERATION',
  },
  {
    rule: 'DKMS-10',
    title: 'a weight above the bound is refused',
    log: '0 genesis auth=a:65537 next=b by a ! BAD_OPERATION',
  },
  {
    rule: 'DKMS-10',
    title: 'a key of weight 0 signs nothing',
    log: '0 genesis auth=a,b:0 next=c by a\n1m update by b ! KEY_NOT_AUTHORIZED',
  },

  { rule: 'DKMS-11', title: 'the keys committed to rotate', log: `${ONE}\n1m rotate auth=b next=c by b -> auth=b` },
  {
    rule: 'DKMS-11',
    title: 'the keys in force do not rotate',
    log: `${ONE}\n1m rotate auth=a next=c by a ! PRE_ROTATION_VIOLATED`,
  },
  {
    rule: 'DKMS-11',
    title: 'nor do strange keys',
    log: `${ONE}\n1m rotate auth=x next=y by x ! PRE_ROTATION_VIOLATED`,
  },
  {
    rule: 'DKMS-11',
    title: 'afterwards the old keys sign nothing',
    log: `${ONE}\n1m rotate auth=b next=c by b\n2m update by a ! KEY_NOT_AUTHORIZED`,
  },
  {
    rule: 'DKMS-11',
    title: 'a next key that was seen is refused',
    log: '0 genesis auth=a next=a by a ! KEY_ALREADY_EXPOSED',
  },
  {
    rule: 'DKMS-11',
    title: 'the key just replaced is no next key',
    log: `${ONE}\n1m rotate auth=b next=a by b ! KEY_ALREADY_EXPOSED`,
  },
  {
    rule: 'DKMS-11',
    title: 'both thresholds are met',
    log: `${BOARD}\n1m rotate auth=d,e,g/2 next=h by d e -> auth=d,e,g`,
  },
  {
    rule: 'DKMS-11',
    title: 'the old next below its threshold does not rotate',
    log: `${BOARD}\n1m rotate auth=d,g,h/2 next=i by d g ! PRE_ROTATION_VIOLATED`,
  },
  {
    rule: 'DKMS-11',
    title: 'the new set below its threshold does not either',
    log: `${BOARD}\n1m rotate auth=d,e,g/3 next=h by d e ! THRESHOLD_NOT_MET`,
  },
  {
    rule: 'DKMS-11',
    title: 'a reserve key that was not shown is carried forward',
    log: `${BOARD}
      1m rotate auth=d,e/2 next=f,g/1 by d e
      2m rotate auth=f next=h by f -> auth=f`,
  },
  {
    rule: 'DKMS-11',
    title: 'a shown reserve key is not carried forward',
    log: `${BOARD}\n1m rotate auth=d,e/2 next=e,g/1 by d e ! KEY_ALREADY_EXPOSED`,
  },
  {
    rule: 'DKMS-11',
    title: 'a key of weight 0 rotates for a custodian that signs',
    log: `${ONE}
      1m rotate auth=b:0,custodian next=c by b custodian
      2m update by custodian`,
  },
  {
    rule: 'DKMS-11',
    title: 'the custodian cannot rotate alone',
    log: `${ONE}
      1m rotate auth=b:0,custodian next=c by b custodian
      2m rotate auth=custodian next=d by custodian ! PRE_ROTATION_VIOLATED`,
  },
  {
    rule: 'DKMS-12',
    title: 'a rotation for compromise replaces agents and document and is marked',
    log: `0 genesis auth=a next=b agents=phone:ADMIN by a
      1d rotate auth=b next=c since=12h by b -> compromised=1 agents=`,
  },
  { rule: 'DKMS-12', title: 'not ahead', log: `${ONE}\n1d rotate auth=b next=c since=25h by b ! SINCE_OUT_OF_RANGE` },
  {
    rule: 'DKMS-12',
    title: 'not further back than the bound',
    log: `${ONE}
      1m update by a
      91d rotate auth=b next=c since=0 by b ! SINCE_OUT_OF_RANGE`,
  },
  {
    rule: 'DKMS-12',
    title: 'without its replacement it is refused',
    log: `${ONE}\n1d rotate auth=b next=c since=1h by b ! BAD_OPERATION`,
    tamper: (text) => text.replace('"agents":[],', ''),
  },
]
