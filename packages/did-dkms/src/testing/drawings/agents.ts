/** DKMS-9, DKMS-13 to DKMS-19: agents, what each may sign, and how they cannot take a DID from each other. */
import type { Drawing } from './drawing.ts'

const ALL = 'ADMIN+PROVE+PROVE_GRANT+PROVE_REVOKE+ROTATE+SUSPEND+UPDATE_SERVICE+AUTHENTICATE+ASSERT+KEY_AGREEMENT'
const PHONE = `0 genesis auth=a next=b recovery=r:24h agents=phone:${ALL} by a`
const TWO = '0 genesis auth=a next=b recovery=r:24h agents=phone:ADMIN+SUSPEND,laptop:ADMIN+PROVE by a'
const THREE = '0 genesis auth=a next=b recovery=r:24h agents=phone:ADMIN,laptop:ADMIN,tablet:ADMIN,watch:PROVE by a'

export const AGENTS: readonly Drawing[] = [
  { rule: 'DKMS-9', title: 'UPDATE_SERVICE changes services', log: `${PHONE}\n1m update change=services by phone` },
  {
    rule: 'DKMS-9',
    title: 'ROTATE changes document keys',
    log: `${PHONE}\n1m update change=keys doc=k:assertionMethod by phone`,
    document: true,
  },
  { rule: 'DKMS-9', title: 'ASSERT anchors', log: `${PHONE}\n1m anchor by phone` },
  { rule: 'DKMS-9', title: 'SUSPEND suspends', log: `${PHONE}\n1m suspend by phone -> suspension` },
  {
    rule: 'DKMS-9',
    title: 'without SUSPEND it does not',
    log: '0 genesis auth=a next=b agents=tv:PROVE by a\n1m suspend by tv ! CAPABILITY_MISSING',
  },
  {
    rule: 'DKMS-9',
    title: 'without ASSERT nothing is anchored',
    log: '0 genesis auth=a next=b agents=tv:PROVE by a\n1m anchor by tv ! CAPABILITY_MISSING',
  },
  {
    rule: 'DKMS-9',
    title: 'no capability rotates authority',
    log: `${PHONE}\n1m rotate auth=b next=c by phone ! KEY_NOT_AUTHORIZED`,
  },
  {
    rule: 'DKMS-9',
    title: 'no capability erases',
    log: `${PHONE}\n1m update by a\n2m erase upTo=0 by phone ! KEY_NOT_AUTHORIZED`,
  },
  {
    rule: 'DKMS-9',
    title: 'no capability deactivates',
    log: `${PHONE}\n1m deactivate reveal=phone by phone ! PRE_ROTATION_VIOLATED`,
  },

  {
    rule: 'DKMS-13',
    title: 'the entry of a stranger does not open',
    log: `${PHONE}\n1m agents put=x:PROVE by x ! AGENT_UNKNOWN`,
  },
  {
    rule: 'DKMS-13',
    title: 'an agent does nothing after its time',
    log: '0 genesis auth=a next=b agents=tv:ASSERT@1h by a\n1h anchor by tv ! AGENT_EXPIRED',
  },
  {
    rule: 'DKMS-13',
    title: 'a second before its time it does',
    log: '0 genesis auth=a next=b agents=tv:ASSERT@1h by a\n3599s anchor by tv',
  },
  {
    rule: 'DKMS-13',
    title: 'an agent that is shown must sign',
    log: `${TWO}\n1m agents put=tv:PROVE by phone laptop ! KEY_NOT_AUTHORIZED`,
    tamper: dropLastProof,
  },

  {
    rule: 'DKMS-14',
    title: 'the authority grants anything',
    log: `${PHONE}\n1m agents put=laptop:ADMIN by a -> agents=laptop,phone`,
  },
  {
    rule: 'DKMS-14',
    title: 'the authority changes permissions',
    log: `${TWO}\n1m agents put=laptop:PROVE by a\n2m agents put=tv:PROVE by laptop ! CAPABILITY_MISSING`,
  },
  {
    rule: 'DKMS-14',
    title: 'an ADMIN grants what it holds',
    log: `${PHONE}\n1m agents put=tv:PROVE+SUSPEND by phone -> agents=phone,tv`,
  },
  {
    rule: 'DKMS-14',
    title: 'and not what it does not hold',
    log: `${TWO}\n1m agents put=tv:ASSERT by phone ! GRANT_EXCEEDS`,
  },
  {
    rule: 'DKMS-14',
    title: 'nor for longer than it holds it',
    log: '0 genesis auth=a next=b agents=phone:ADMIN+PROVE@10d by a\n1m agents put=tv:PROVE@11d by phone ! GRANT_EXCEEDS',
  },
  {
    rule: 'DKMS-14',
    title: 'nor to itself',
    log: `${TWO}\n1m agents put=phone:ADMIN+SUSPEND+ASSERT by phone ! GRANT_EXCEEDS`,
  },
  {
    rule: 'DKMS-14',
    title: 'PROVE_GRANT gives PROVE',
    log: '0 genesis auth=a next=b agents=hub:PROVE_GRANT,tv:0 by a\n1m agents put=tv:PROVE by hub',
  },
  {
    rule: 'DKMS-14',
    title: 'PROVE_GRANT gives nothing else',
    log: '0 genesis auth=a next=b agents=hub:PROVE_GRANT+ASSERT,tv:0 by a\n1m agents put=tv:ASSERT by hub ! CAPABILITY_MISSING',
  },
  {
    rule: 'DKMS-14',
    title: 'PROVE_GRANT takes nothing',
    log: '0 genesis auth=a next=b agents=hub:PROVE_GRANT,tv:PROVE by a\n1m agents drop=tv by hub ! CAPABILITY_MISSING',
  },
  {
    rule: 'DKMS-14',
    title: 'PROVE_REVOKE takes PROVE',
    log: '0 genesis auth=a next=b agents=hub:PROVE_REVOKE,tv:PROVE+ASSERT by a\n1m agents put=tv:ASSERT by hub',
  },
  {
    rule: 'DKMS-14',
    title: 'PROVE_REVOKE takes no other agent away',
    log: '0 genesis auth=a next=b agents=hub:PROVE_REVOKE,tv:PROVE+ASSERT by a\n1m agents drop=tv by hub ! CAPABILITY_MISSING',
  },
  {
    rule: 'DKMS-14',
    title: 'PROVE_REVOKE takes what holds PROVE alone out whole',
    log: '0 genesis auth=a next=b agents=hub:PROVE_REVOKE,tv:PROVE by a\n1m agents drop=tv by hub -> agents=hub',
  },
  {
    rule: 'DKMS-14',
    title: 'PROVE_REVOKE fills no place with an entry that says nothing',
    log: '0 genesis auth=a next=b agents=hub:PROVE_REVOKE by a\n1m agents put=tv:0 by hub ! CAPABILITY_MISSING',
  },
  {
    rule: 'DKMS-14',
    title: 'nor takes padding out',
    log: '0 genesis auth=a next=b agents=hub:PROVE_REVOKE,tv:0 by a\n1m agents drop=tv by hub ! CAPABILITY_MISSING',
  },
  {
    rule: 'DKMS-14',
    title: 'PROVE_GRANT gives PROVE for no longer than its own time, also to an entry that lasts longer',
    log: '0 genesis auth=a next=b agents=hub:PROVE_GRANT@10d,tv:0@11d by a\n1m agents put=tv:PROVE@11d by hub ! GRANT_EXCEEDS',
  },
  {
    rule: 'DKMS-14',
    title: 'nor does an ADMIN to an entry that lasts longer than its own',
    log: '0 genesis auth=a next=b agents=phone:ADMIN+PROVE@10d,tv:0@11d by a\n1m agents put=tv:PROVE@11d by phone ! GRANT_EXCEEDS',
  },
  {
    rule: 'DKMS-14',
    title: 'to prolong an entry is to grant it for longer',
    log: '0 genesis auth=a next=b agents=phone:ADMIN@10d,tv:ASSERT@2d by a\n1m agents put=tv:ASSERT@5d by phone ! GRANT_EXCEEDS',
  },
  {
    rule: 'DKMS-14',
    title: 'two together grant what one of them holds for as long as that one holds it',
    log: '0 genesis auth=a next=b agents=phone:ADMIN+ASSERT@2d,laptop:ADMIN@10d by a\n1m agents put=tv:ASSERT@5d by phone laptop ! GRANT_EXCEEDS',
  },
  {
    rule: 'DKMS-13',
    title: 'an agent that is accused does nothing',
    log: `${TWO}\n1m agents drop=laptop by phone\n2m agents put=tv:PROVE by laptop ! AGENT_SUSPENDED`,
  },
  {
    rule: 'DKMS-13',
    title: 'a registry of seventeen is refused',
    log: `0 genesis auth=a next=b agents=${Array.from({ length: 16 }, (_, n) => `d${n}:PROVE`)} by a\n1m agents put=tv:PROVE by a ! TOO_MANY_AGENTS`,
  },
  { rule: 'DKMS-14', title: 'at least one change', log: `${PHONE}\n1m agents by a ! BAD_OPERATION` },

  {
    rule: 'DKMS-15',
    title: 'two of my devices',
    log: '0 genesis auth=a next=b agents=phone:UPDATE_SERVICE,laptop:UPDATE_SERVICE quorums=UPDATE_SERVICE:2 by a\n1m update change=services by phone laptop',
  },
  {
    rule: 'DKMS-15',
    title: 'one of two is not enough',
    log: '0 genesis auth=a next=b agents=phone:UPDATE_SERVICE,laptop:UPDATE_SERVICE quorums=UPDATE_SERVICE:2 by a\n1m update change=services by phone ! QUORUM_NOT_MET',
  },
  {
    rule: 'DKMS-15',
    title: 'each of them must hold the capability',
    log: '0 genesis auth=a next=b agents=phone:UPDATE_SERVICE,tv:PROVE quorums=UPDATE_SERVICE:2 by a\n1m update change=services by phone tv ! CAPABILITY_MISSING',
  },
  {
    rule: 'DKMS-15',
    title: 'a lone ADMIN sets no quorum',
    log: `${TWO}\n1m agents quorums=ADMIN:2 by phone ! SECOND_ADMIN_NEEDED`,
  },
  {
    rule: 'DKMS-15',
    title: 'two ADMINs do',
    log: `${TWO}\n1m agents quorums=ADMIN:2 by phone laptop\n2m agents put=tv:PROVE by laptop ! QUORUM_NOT_MET`,
  },

  {
    rule: 'DKMS-16',
    title: 'an agent that changes one half keeps the other',
    log: `${PHONE}\n1m update change=services by phone\n2m update change=keys doc=k:assertionMethod by phone`,
  },
  {
    rule: 'DKMS-16',
    title: 'UPDATE_SERVICE does not reach the keys',
    log: '0 genesis auth=a next=b agents=hub:UPDATE_SERVICE by a\n1m update change=keys doc=x:assertionMethod by hub ! CAPABILITY_MISSING',
  },
  {
    rule: 'DKMS-16',
    title: 'ROTATE does not reach the services',
    log: '0 genesis auth=a next=b agents=hub:ROTATE by a\n1m update change=services by hub ! CAPABILITY_MISSING',
  },
  {
    rule: 'DKMS-16',
    title: 'who claims to change services and changes keys too is refused',
    log: '0 genesis auth=a next=b agents=hub:UPDATE_SERVICE by a\n1m update claims=services doc=x:assertionMethod by hub ! HALF_MISMATCH',
  },

  {
    rule: 'DKMS-17',
    title: 'a lone ADMIN stops another agent at once',
    log: `${TWO}\n1m agents drop=laptop by phone -> removing=laptop agents=laptop,phone\n2m agents put=tv:PROVE by laptop ! AGENT_SUSPENDED`,
  },
  {
    rule: 'DKMS-17',
    title: 'which is gone after a day',
    log: `${TWO}\n0 agents drop=laptop by phone\n24h wait -> agents=phone`,
  },
  {
    rule: 'DKMS-17',
    title: 'and not before',
    log: `${TWO}\n0 agents drop=laptop by phone\n86399s wait -> agents=laptop,phone removing=laptop`,
  },
  {
    rule: 'DKMS-17',
    title: 'two ADMINs remove at once',
    log: `${THREE}\n1m agents drop=laptop by phone tablet -> agents=phone,tablet,watch -removing`,
  },
  {
    rule: 'DKMS-17',
    title: 'the authority removes at once',
    log: `${TWO}\n1m agents drop=laptop by a -> agents=phone -removing`,
  },
  {
    rule: 'DKMS-17',
    title: 'a second ADMIN who agrees later removes at once',
    log: `${THREE}\n1m agents drop=laptop by phone\n2m agents drop=laptop by tablet -> agents=phone,tablet,watch -removing`,
  },
  {
    rule: 'DKMS-17',
    title: 'a lone ADMIN makes no second one',
    log: `${TWO}\n1m agents put=mole:ADMIN by phone ! SECOND_ADMIN_NEEDED`,
  },
  {
    rule: 'DKMS-17',
    title: 'nor raises another agent to one',
    log: `${THREE}\n1m agents put=watch:ADMIN+PROVE by phone ! SECOND_ADMIN_NEEDED`,
  },
  {
    rule: 'DKMS-17',
    title: 'nor wakes one whose time is over',
    log: '0 genesis auth=a next=b agents=phone:ADMIN,old:ADMIN@1h by a\n2h agents put=old:ADMIN@30d by phone ! SECOND_ADMIN_NEEDED',
  },
  {
    rule: 'DKMS-17',
    title: 'a lone ADMIN takes no permission from another',
    log: `${TWO}\n1m agents put=laptop:ADMIN by phone ! SECOND_ADMIN_NEEDED`,
  },
  {
    rule: 'DKMS-17',
    title: 'nor shortens its time',
    log: `${TWO}\n1m agents put=laptop:ADMIN+PROVE@1h by phone ! SECOND_ADMIN_NEEDED`,
  },
  {
    rule: 'DKMS-17',
    title: 'an agent may go by itself',
    log: `${TWO}\n1m agents drop=phone by phone -> agents=laptop`,
  },

  {
    rule: 'DKMS-18',
    title: 'an accused ADMIN contests: both are frozen',
    log: `${TWO}\n1m agents drop=laptop by phone\n2m agents contest by laptop -> contested\n3m agents put=tv:0 by phone ! AGENT_SUSPENDED`,
  },
  {
    rule: 'DKMS-18',
    title: 'and stay so however long it takes',
    log: `${TWO}\n1m agents drop=laptop by phone\n2m agents contest by laptop\n9d wait -> contested agents=laptop,phone`,
  },
  {
    rule: 'DKMS-18',
    title: 'a third ADMIN decides',
    log: `${THREE}\n1m agents drop=laptop by phone\n2m agents contest by laptop\n3m agents drop=phone by tablet -> agents=laptop,tablet,watch -removing\n4m agents put=tv:0 by laptop`,
  },
  {
    rule: 'DKMS-18',
    title: 'the authority decides',
    log: `${TWO}\n1m agents drop=laptop by phone\n2m agents contest by laptop\n3m agents drop=phone by a -> agents=laptop -removing`,
  },
  {
    rule: 'DKMS-18',
    title: 'or takes both back',
    log: `${TWO}\n1m agents drop=laptop by phone\n2m agents contest by laptop\n3m agents put=laptop:ADMIN+PROVE by a -> agents=laptop,phone -removing`,
  },
  {
    rule: 'DKMS-18',
    title: 'an agent that is no ADMIN contests nothing',
    log: `${THREE}\n1m agents drop=watch by phone\n2m agents contest by watch ! CAPABILITY_MISSING`,
  },
  {
    rule: 'DKMS-18',
    title: 'nor one that nobody removes',
    log: `${TWO}\n1m agents contest by laptop ! NOTHING_TO_CONTEST`,
  },
  {
    rule: 'DKMS-18',
    title: 'what an accused has set going waits with it',
    log: `${THREE}\n1m agents drop=laptop by phone\n2m agents drop=phone by tablet\n1d wait -> agents=laptop,phone,tablet,watch\n49h wait -> agents=laptop,tablet,watch -removing`,
  },

  {
    rule: 'DKMS-19',
    title: 'the last ADMIN does not go without a recovery set',
    log: '0 genesis auth=a next=b agents=phone:ADMIN by a\n1m agents drop=phone by a ! LAST_ADMIN',
  },
  { rule: 'DKMS-19', title: 'with one it may', log: `${PHONE}\n1m agents drop=phone by phone -> agents=` },
  {
    rule: 'DKMS-19',
    title: 'padding makes room at once',
    log: '0 genesis auth=a next=b agents=phone:ADMIN+PROVE,spare1:PROVE,spare2:PROVE by a\n1m agents spare=spare1 put=tv:PROVE by phone -> agents=phone,tv',
  },
  {
    rule: 'DKMS-19',
    title: 'what is no padding is not opened as such',
    log: '0 genesis auth=a next=b agents=phone:ADMIN+PROVE,tv:PROVE by a\n1m agents spare=tv by phone ! AGENT_UNKNOWN',
  },
  {
    rule: 'DKMS-19',
    title: 'seventeen are too many',
    log: `0 genesis auth=a next=b agents=phone:ADMIN,${Array.from({ length: 15 }, (_, i) => `spare${i}:0`).join(',')} by a\n1m agents put=tv:0 by a ! TOO_MANY_AGENTS`,
  },
]

function dropLastProof(text: string): string {
  return text.replace(/,\{"cryptosuite":[^}]*\}\]/, ']')
}
