/** DKMS-22 to DKMS-26: recovery, veto, held changes, deactivation. */
import type { Drawing } from './drawing.ts'

const PATHS = '0 genesis auth=a next=b recovery=r:24h,s:72h by a'
const BARE = '0 genesis auth=a next=b by a'
const FIRM = '0 genesis auth=a next=b recovery=r:24h,m:72h:firm by a'
const PENDING = `${PATHS}\n1h recover key=r auth=x next=y by r x -> pending`

export const RECOVERY: readonly Drawing[] = [
  { rule: 'DKMS-22', title: 'a recovery waits', log: PENDING },
  {
    rule: 'DKMS-22',
    title: 'when its delay is over it stands',
    log: `${PENDING}\n25h wait -> auth=x epoch=2 vetoes=2 -pending paths=0`,
    document: true,
  },
  { rule: 'DKMS-22', title: 'a second earlier it does not', log: `${PENDING}\n89999s wait -> auth=a pending` },
  {
    rule: 'DKMS-22',
    title: 'a longer path waits longer',
    log: `${PATHS}\n0 recover key=s auth=x next=y by s x\n71h wait -> auth=a pending\n72h wait -> auth=x`,
  },
  {
    rule: 'DKMS-22',
    title: 'a final recover replaces agents too',
    log: `0 genesis auth=a next=b recovery=r:24h agents=phone:ADMIN by a\n1h recover key=r auth=x next=y agents=tablet:ADMIN by r x\n25h wait -> agents=tablet`,
  },
  { rule: 'DKMS-22', title: 'meanwhile no update is taken', log: `${PENDING}\n2h update by a ! RECOVERY_PENDING` },
  { rule: 'DKMS-22', title: 'nor a rotation', log: `${PENDING}\n2h rotate auth=b next=c by b ! RECOVERY_PENDING` },
  {
    rule: 'DKMS-22',
    title: 'nor another recovery',
    log: `${PENDING}\n2h recover key=s auth=z next=w by s z ! RECOVERY_PENDING`,
  },
  { rule: 'DKMS-22', title: 'nor a grant', log: `${PENDING}\n2h agents put=mole:ADMIN by a ! RECOVERY_PENDING` },
  { rule: 'DKMS-22', title: 'but a suspension', log: `${PENDING}\n2h suspend by a -> suspension pending` },
  {
    rule: 'DKMS-22',
    title: 'and the removal of an agent',
    log: `0 genesis auth=a next=b recovery=r:24h agents=phone:ADMIN by a\n1h recover key=r auth=x next=y by r x\n2h agents drop=phone by a -> agents= pending`,
  },
  {
    rule: 'DKMS-22',
    title: 'the next keys veto it',
    log: `${PENDING}\n2h veto auth=b next=c by b -> auth=b -pending vetoes=1 epoch=1`,
  },
  {
    rule: 'DKMS-22',
    title: 'the keys in force do not veto it',
    log: `${PENDING}\n2h veto auth=a next=c by a ! PRE_ROTATION_VIOLATED`,
  },
  {
    rule: 'DKMS-22',
    title: 'nothing pending needs no veto',
    log: `${PATHS}\n2h veto auth=b next=c by b ! NO_RECOVERY_PENDING`,
  },
  {
    rule: 'DKMS-22',
    title: 'a veto comes too late when the delay is over',
    log: `${PENDING}\n25h veto auth=b next=c by b ! NO_RECOVERY_PENDING`,
  },
  {
    rule: 'DKMS-22',
    title: 'a key of no path recovers nothing',
    log: `${PATHS}\n1h recover key=q auth=x next=y by q x ! RECOVERY_KEY_UNKNOWN`,
  },
  {
    rule: 'DKMS-22',
    title: 'the recovery key must sign',
    log: `${PATHS}\n1h recover key=r auth=x next=y by x ! KEY_NOT_AUTHORIZED`,
  },
  {
    rule: 'DKMS-22',
    title: 'and the new keys too',
    log: `${PATHS}\n1h recover key=r auth=x next=y by r ! KEY_NOT_AUTHORIZED`,
  },
  {
    rule: 'DKMS-22',
    title: 'the recovery key just shown protects nothing again',
    log: `${PATHS}\n1h recover key=r auth=x next=y recovery=r:24h by r x ! KEY_ALREADY_EXPOSED`,
  },
  {
    rule: 'DKMS-22',
    title: 'a recovery key is neither a next key',
    log: '0 genesis auth=a next=b recovery=b:24h by a ! KEY_ALREADY_EXPOSED',
  },
  {
    rule: 'DKMS-22',
    title: 'nor a key in force',
    log: `${BARE}\n1h rotate auth=b next=c recovery=b:24h by b ! KEY_ALREADY_EXPOSED`,
  },
  {
    rule: 'DKMS-22',
    title: 'the vetoes of an epoch are two',
    log: `${PENDING}
      2h veto auth=b next=c by b
      26h recover key=r auth=x next=y by r x
      27h veto auth=c next=d by c -> vetoes=0
      51h recover key=r auth=x next=y by r x
      52h veto auth=d next=e by d ! VETOES_SPENT`,
  },
  {
    rule: 'DKMS-22',
    title: 'a recovery after them is final',
    log: `${PENDING}
      2h veto auth=b next=c by b
      26h recover key=r auth=x next=y by r x
      27h veto auth=c next=d by c
      51h recover key=r auth=x next=y by r x
      75h wait -> auth=x epoch=2`,
  },
  {
    rule: 'DKMS-22',
    title: 'a firm path overrules a veto, and no veto stops it',
    log: `${FIRM}
      1h recover key=r auth=x next=y by r x
      2h veto auth=b next=t by b
      3h recover key=m auth=x next=y by m x -> pending
      4h veto auth=t next=t2 by t ! VETOES_SPENT`,
  },
  {
    rule: 'DKMS-22',
    title: 'when its delay is over it stands, too',
    log: `${FIRM}
      1h recover key=r auth=x next=y by r x
      2h veto auth=b next=t by b
      3h rotate auth=t next=t2 recovery=t3:24h by t -> held
      4h recover key=m auth=x next=y by m x -> pending -held
      76h wait -> auth=x epoch=2 vetoes=2 -pending`,
  },
  {
    rule: 'DKMS-22',
    title: 'where nothing was vetoed it overrules nothing',
    log: `${FIRM}\n1h recover key=m auth=x next=y by m x ! NOTHING_TO_OVERRULE`,
  },
  {
    rule: 'DKMS-22',
    title: 'nor in the epoch after',
    log: `${FIRM}
      1h recover key=r auth=x next=y by r x
      2h veto auth=b next=c by b
      27h recover key=r auth=x next=y recovery=n:24h,o:72h:firm by r x
      52h recover key=o auth=z next=w by o z ! NOTHING_TO_OVERRULE`,
  },
  {
    rule: 'DKMS-22',
    title: 'a vetoed path rests',
    log: `${PENDING}\n2h veto auth=b next=c by b -> resting\n25h recover key=r auth=x next=y by r x ! PATH_RESTING`,
  },
  {
    rule: 'DKMS-22',
    title: 'while another path recovers',
    log: `${PENDING}\n2h veto auth=b next=c by b\n3h recover key=s auth=z next=w by s z -> pending\n26h wait -> -resting pending`,
  },

  {
    rule: 'DKMS-23',
    title: 'the first recovery set stands at once',
    log: `${BARE}\n1h rotate auth=b next=c recovery=r:24h by b -> epoch=1 paths=1 -held`,
  },
  {
    rule: 'DKMS-23',
    title: 'a later one is held',
    log: `${PATHS}\n1h rotate auth=b next=c recovery=t:24h by b -> epoch=1 paths=2 held`,
  },
  {
    rule: 'DKMS-23',
    title: 'for the network’s hold at least',
    log: `${PATHS}\n1h rotate auth=b next=c recovery=t:24h by b\n168h wait -> held\n169h wait -> epoch=2 paths=1 -held`,
  },
  {
    rule: 'DKMS-23',
    title: 'and for twice the longest delay',
    log: '0 genesis auth=a next=b recovery=r:5d by a\n0 rotate auth=b next=c recovery=t:24h by b\n9d wait -> held\n10d wait -> epoch=2',
  },
  {
    rule: 'DKMS-23',
    title: 'a recovery by the standing set cancels it',
    log: `${PATHS}\n1h rotate auth=b next=c recovery=t:24h by b\n2h recover key=r auth=x next=y by r x -> -held pending`,
  },
  {
    rule: 'DKMS-23',
    title: 'dropping the recovery set is held too',
    log: `${PATHS}\n1h rotate auth=b next=c recovery=- by b -> paths=2 held`,
  },
  {
    rule: 'DKMS-23',
    title: 'the set to come recovers nothing yet',
    log: `${PATHS}\n1h rotate auth=b next=c recovery=t:24h by b\n2h recover key=t auth=x next=y by t x ! RECOVERY_KEY_UNKNOWN`,
  },
  {
    rule: 'DKMS-23',
    title: 'a delay below the floor is refused',
    log: '0 genesis auth=a next=b recovery=r:59m by a ! DELAY_TOO_SHORT',
  },

  {
    rule: 'DKMS-24',
    title: 'delays that are over stand before the next operation',
    log: `${PENDING}\n25h update by x -> auth=x`,
  },
  {
    rule: 'DKMS-24',
    title: 'and the old keys sign nothing then',
    log: `${PENDING}\n25h update by a ! KEY_NOT_AUTHORIZED`,
  },

  {
    rule: 'DKMS-25',
    title: 'seconds that the chain lost do not count',
    log: `${PENDING}\n25h wait lost=1 -> pending auth=a\n90001s wait lost=1 -> auth=x`,
  },
  {
    rule: 'DKMS-25',
    title: 'a veto is still good after an outage',
    log: `${PENDING}\n48h veto lost=24h auth=b next=c by b -> auth=b`,
  },
  {
    rule: 'DKMS-25',
    title: 'without an outage it is not',
    log: `${PENDING}\n48h veto auth=b next=c by b ! NO_RECOVERY_PENDING`,
  },

  {
    rule: 'DKMS-26',
    title: 'without a recovery set a DID ends at once',
    log: `${BARE}\n1h deactivate reveal=b by b -> status=deactivated`,
    document: true,
  },
  {
    rule: 'DKMS-26',
    title: 'the keys in force do not end it',
    log: `${BARE}\n1h deactivate reveal=a by a ! PRE_ROTATION_VIOLATED`,
  },
  {
    rule: 'DKMS-26',
    title: 'afterwards nothing is taken',
    log: `${BARE}\n1h deactivate reveal=b by b\n2h update by a ! DEACTIVATED`,
  },
  {
    rule: 'DKMS-26',
    title: 'with a recovery set it is held',
    log: `${PATHS}\n1h deactivate reveal=b by b -> status=active deactivation`,
  },
  {
    rule: 'DKMS-26',
    title: 'and meanwhile no update is taken',
    log: `${PATHS}\n1h deactivate reveal=b by b\n2h update by a ! DEACTIVATION_HELD`,
  },
  {
    rule: 'DKMS-26',
    title: 'a recovery cancels it',
    log: `${PATHS}\n1h deactivate reveal=b by b\n2h recover key=r auth=x next=y by r x -> -deactivation pending`,
  },
  {
    rule: 'DKMS-26',
    title: 'or it ends',
    log: `${PATHS}\n1h deactivate reveal=b by b\n168h wait -> status=active\n169h wait -> status=deactivated`,
    document: true,
  },
]
