/** DKMS-27 to DKMS-30: anchors, erasure, suspension, the document. */
import type { Drawing } from './drawing.ts'

const ONE = '0 genesis auth=a next=b by a'
const SAFE = '0 genesis auth=a next=b recovery=r:24h agents=phone:ADMIN+SUSPEND,laptop:ADMIN by a'

export const LIFECYCLE: readonly Drawing[] = [
  { rule: 'DKMS-27', title: 'a root is anchored', log: `${ONE}\n1m anchor by a -> seq=1` },
  { rule: 'DKMS-27', title: 'not by a stranger', log: `${ONE}\n1m anchor by x ! KEY_NOT_AUTHORIZED` },

  {
    rule: 'DKMS-28',
    title: 'bodies before the one in force are erased',
    log: `${ONE}\n1m update by a\n2m erase upTo=0 by a -> erased=0`,
  },
  {
    rule: 'DKMS-28',
    title: 'the one in force is not',
    log: `${ONE}\n1m update by a\n2m erase upTo=1 by a ! BODY_IN_FORCE`,
  },
  {
    rule: 'DKMS-28',
    title: 'nothing is erased twice',
    log: `${ONE}\n1m update by a\n2m erase upTo=0 by a\n3m erase upTo=0 by a ! ALREADY_ERASED`,
  },
  {
    rule: 'DKMS-28',
    title: 'a DID that ended may be erased whole',
    log: `${ONE}\n1m deactivate reveal=b by b\n2m erase upTo=1 by a -> erased=1 status=deactivated`,
  },
  {
    rule: 'DKMS-28',
    title: 'not beyond its newest operation',
    log: `${ONE}\n1m deactivate reveal=b by b\n2m erase upTo=2 by a ! BODY_IN_FORCE`,
  },
  {
    rule: 'DKMS-28',
    title: 'the log goes on after it',
    log: `${ONE}\n1m update by a\n2m erase upTo=0 by a\n3m update by a -> erased=0 seq=3`,
  },

  {
    rule: 'DKMS-29',
    title: 'one key of many suspends',
    log: '0 genesis auth=a,b,c/2 next=d by a b\n1m suspend by c -> suspension',
  },
  {
    rule: 'DKMS-29',
    title: 'a key of weight 0 does not',
    log: '0 genesis auth=a,b:0 next=c by a\n1m suspend by b ! KEY_NOT_AUTHORIZED',
  },
  {
    rule: 'DKMS-29',
    title: 'meanwhile no update is taken',
    log: `${ONE}\n1m suspend by a\n2m update by a ! SUSPENDED`,
  },
  {
    rule: 'DKMS-29',
    title: 'nor a grant',
    log: `${SAFE}\n1m suspend by phone\n2m agents put=tv:0 by laptop ! SUSPENDED`,
  },
  {
    rule: 'DKMS-29',
    title: 'nor a deactivation',
    log: `${ONE}\n1m suspend by a\n2m deactivate reveal=b by b ! SUSPENDED`,
  },
  {
    rule: 'DKMS-29',
    title: 'but a removal',
    log: `${SAFE}\n1m suspend by phone\n2m agents drop=laptop by a -> agents=phone suspension`,
  },
  {
    rule: 'DKMS-29',
    title: 'but a rotation, which ends it',
    log: `${ONE}\n1m suspend by a\n2m rotate auth=b next=c by b -> -suspension`,
  },
  {
    rule: 'DKMS-29',
    title: 'but a recovery',
    log: `${SAFE}\n1m suspend by a\n2m recover key=r auth=x next=y by r x -> pending suspension`,
  },
  {
    rule: 'DKMS-29',
    title: 'and a veto',
    log: `${SAFE}\n1m recover key=r auth=x next=y by r x\n2m suspend by phone\n3m veto auth=b next=c by b -> auth=b -suspension`,
  },
  {
    rule: 'DKMS-29',
    title: 'it ends by itself',
    log: `${ONE}\n0 suspend by a\n71h wait -> suspension\n72h wait -> -suspension`,
  },
  { rule: 'DKMS-29', title: 'it is never extended', log: `${SAFE}\n1m suspend by phone\n2m suspend by a ! SUSPENDED` },
  { rule: 'DKMS-29', title: 'once a key', log: `${ONE}\n0 suspend by a\n72h suspend by a ! SUSPENSION_SPENT` },
  {
    rule: 'DKMS-29',
    title: 'until the authority changes',
    log: `${ONE}\n0 suspend by a\n1h rotate auth=b next=c by b\n2h suspend by b -> suspension`,
  },
  {
    rule: 'DKMS-29',
    title: 'the authority lifts it',
    log: `${SAFE}\n1m suspend by phone\n2m resume by a -> -suspension`,
  },
  {
    rule: 'DKMS-29',
    title: 'an agent does not',
    log: `${SAFE}\n1m suspend by phone\n2m resume by phone ! KEY_NOT_AUTHORIZED`,
  },
  { rule: 'DKMS-29', title: 'nothing suspended needs no resume', log: `${ONE}\n1m resume by a ! NOT_SUSPENDED` },
  {
    rule: 'DKMS-29',
    title: 'nobody suspends in company',
    log: '0 genesis auth=a,b next=c by a\n1m suspend by a b ! KEY_NOT_AUTHORIZED',
  },

  {
    rule: 'DKMS-30',
    title: 'the document follows from state and body',
    log: '0 genesis auth=a,Pb,c:0 next=d doc=k:authentication+assertionMethod,Pm:keyAgreement by a',
    document: true,
  },
]
