/** The cases of recovery and the attacks that rules 1 to 8 answer, each as the log it would leave. */
import type { Drawing } from './drawing.ts'

const OWNER =
  '0 genesis auth=a next=b recovery=kit:24h,friends:72h agents=phone:ADMIN+SUSPEND+PROVE,laptop:ADMIN+SUSPEND by a'

export const ATTACKS: readonly Drawing[] = [
  {
    rule: 'CASE-1',
    title: 'a device is stolen: the owner removes it, nothing else moves',
    log: `${OWNER}\n1h suspend by laptop\n2h agents drop=phone by a -> agents=laptop auth=a\n3h resume by a\n4h agents put=tv:PROVE by phone ! AGENT_UNKNOWN`,
  },
  {
    rule: 'CASE-2',
    title: 'keys in force are stolen: the owner rotates, and what was signed since is marked',
    log: `${OWNER}
      1h update doc=thief:assertionMethod by a
      2h agents put=mole:ADMIN by a
      3h rotate auth=b next=c since=30m agents=phone:ADMIN by b -> auth=b agents=phone compromised=1
      4h update by a ! KEY_NOT_AUTHORIZED`,
  },
  {
    rule: 'CASE-3',
    title: 'keys in force are lost, next keys safe: rotate',
    log: `${OWNER}\n1h rotate auth=b next=c by b -> auth=b`,
  },
  {
    rule: 'CASE-4',
    title: 'all keys are lost: recover',
    log: `${OWNER}\n1h recover key=kit auth=x next=y by kit x\n25h update by x -> auth=x`,
  },
  {
    rule: 'CASE-5',
    title: 'contacts collude: the owner vetoes',
    log: `${OWNER}\n1h recover key=friends auth=mallory next=m2 by friends mallory\n2h veto auth=b next=c by b -> auth=b\n74h wait -> auth=b`,
  },
  {
    rule: 'CASE-6',
    title: 'a thief with the next keys vetoes: the third recovery is final',
    log: `${OWNER}
      1h recover key=kit auth=x next=y by kit x
      2h veto auth=b next=t by b
      26h recover key=kit auth=x next=y by kit x
      27h veto auth=t next=t2 by t
      51h recover key=kit auth=x next=y by kit x
      52h veto auth=t2 next=t3 by t2 ! VETOES_SPENT`,
  },
  {
    rule: 'CASE-6',
    title: 'and takes everything from the thief',
    log: `${OWNER}
      1h rotate auth=b next=t agents=mole:ADMIN by b
      2h recover key=kit auth=x next=y by kit x
      3h veto auth=t next=t2 by t
      27h recover key=kit auth=x next=y by kit x
      28h veto auth=t2 next=t3 by t2
      52h recover key=kit auth=x next=y by kit x
      76h wait -> auth=x agents= epoch=2`,
  },
  {
    rule: 'RULE-4',
    title: 'a thief cannot rotate away from a recovery',
    log: `${OWNER}\n1h recover key=kit auth=x next=y by kit x\n2h rotate auth=b next=t by b ! RECOVERY_PENDING`,
  },
  {
    rule: 'RULE-4',
    title: 'an epoch does not give a thief new vetoes while the owner looks',
    log: `${OWNER}
      1h recover key=kit auth=x next=y by kit x
      2h veto auth=b next=t by b
      26h recover key=kit auth=x next=y by kit x
      27h veto auth=t next=t2 by t
      28h rotate auth=t2 next=t3 recovery=thief:24h by t2 -> held vetoes=0
      51h recover key=kit auth=x next=y by kit x -> -held
      75h wait -> auth=x`,
  },
  {
    rule: 'RULE-4',
    title: 'a quick thief with one path does not spend the owner’s vetoes before the owner recovers by another',
    log: `${OWNER}
      1h recover key=friends auth=thief next=t1 by friends thief
      2h veto auth=b next=c by b
      2h recover key=friends auth=thief next=t1 by friends thief ! PATH_RESTING`,
  },
  {
    rule: 'RULE-4',
    title: 'but is driven out for good',
    log: `${OWNER}
      1h recover key=friends auth=thief next=t1 by friends thief
      2h veto auth=b next=c by b
      3h recover key=kit auth=x next=y recovery=fresh:24h by kit x
      27h wait -> auth=x epoch=2 paths=1
      28h recover key=friends auth=thief next=t1 by friends thief ! RECOVERY_KEY_UNKNOWN`,
  },
  {
    rule: 'RULE-5',
    title: 'a thief with the next keys cannot swap the recovery set in time',
    log: `${OWNER}\n1h rotate auth=b next=t recovery=thief:1h by b\n2h recover key=thief auth=t2 next=t3 by thief t2 ! RECOVERY_KEY_UNKNOWN`,
  },
  {
    rule: 'RULE-5',
    title: 'nor end the DID in time',
    log: `${OWNER}\n1h deactivate reveal=b by b\n6d recover key=friends auth=x next=y by friends x\n9d wait -> status=active auth=x`,
  },
  {
    rule: 'RULE-5',
    title: 'the set that a recovery brings is not held',
    log: `${OWNER}\n1h recover key=kit auth=x next=y recovery=fresh:24h by kit x\n25h wait -> epoch=2 paths=1 -held`,
  },
  {
    rule: 'RULE-6',
    title: 'a thief who suspends blocks no rotation',
    log: `${OWNER}\n1h suspend by a\n2h rotate auth=b next=c by b -> auth=b -suspension`,
  },
  {
    rule: 'RULE-6',
    title: 'nor suspends again and again',
    log: `${OWNER}\n1h suspend by phone\n2h resume by a\n3h suspend by phone ! SUSPENSION_SPENT`,
  },
  {
    rule: 'RULE-7',
    title: 'history is not rewritten: the past stays readable',
    log: `${OWNER}\n1h update by a\n2h rotate auth=b next=c since=30m agents=- by b -> seq=2 compromised=1`,
  },
  {
    rule: 'RULE-8',
    title: 'a stolen ADMIN removes the others, and makes nobody its accomplice',
    log: `${OWNER}\n1h agents drop=laptop by phone\n2h agents put=mole:ADMIN by phone ! SECOND_ADMIN_NEEDED`,
  },
  {
    rule: 'RULE-8',
    title: 'whom it removed contests, and the authority decides',
    log: `${OWNER}\n1h agents drop=laptop by phone\n2h agents contest by laptop\n3h agents drop=phone by a -> agents=laptop -removing`,
  },
  {
    rule: 'RULE-8',
    title: 'while both are frozen neither harms',
    log: `${OWNER}\n1h agents drop=laptop by phone\n2h agents contest by laptop\n3h suspend by phone ! AGENT_SUSPENDED`,
  },
  {
    rule: 'RULE-8',
    title: 'a recovery decides too',
    log: `${OWNER}\n1h agents drop=laptop by phone\n2h agents contest by laptop\n3h recover key=kit auth=x next=y agents=tablet:ADMIN by kit x\n27h wait -> agents=tablet -removing`,
  },
]
