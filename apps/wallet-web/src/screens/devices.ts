/** Your devices (flows V6, V12): let another one in, see which there are, rename, revoke. */
import type { DeviceView, OwnDeviceView } from '@keystead/agent/edge'
import { isKeysteadError } from '@keystead/core'
import { action, card, confirmed, field, form, h, swap, time } from '../dom.ts'
import type { Screen } from '../rooms.ts'
import type { Session } from '../session.ts'
import { approvalsCard } from './approvals.ts'
import { approvingCard } from './approving.ts'
import { WORDS } from './capability-words.ts'

export function devicesScreen(session: Session): Screen {
  const { devices } = session.agent
  const list = h('ul', { class: 'list' })
  const away = h('p', { class: 'maybe', role: 'status' })
  const approving = approvingCard(session)
  const approvals = approvalsCard(session)
  const goOn = h(
    'div',
    { hidden: true },
    action('Let it go on', () => devices.resume().then(() => refresh())),
  )
  const element = h('div', {}, card('Your devices', list, away, goOn), approving.element, approvals.element)
  let shown = ''
  const refresh = async (): Promise<void> => {
    await approving.refresh()
    await approvals.refresh()
    const own = await devices.own()
    const entries = await onLedger(session, away, goOn)
    const key = JSON.stringify([own, entries])
    // What a person is at stays.
    if (key === shown || list.querySelector('form, .warning')) return
    shown = key
    const mine = own.find(({ self }) => self)
    const rows = own.map((device) =>
      row(session, device, {
        entry: entries?.find(({ h }) => h === device.h),
        may: mine?.admin === true,
        refresh,
      }),
    )
    const others = (entries ?? []).filter(({ name, self }) => name !== undefined && !self)
    const granted = others.filter(({ h }) => !own.some((device) => device.h === h))
    const alone = entries?.find(({ self }) => self)
    swap(
      list,
      ...(rows.length > 0
        ? rows
        : [h('li', {}, h('strong', {}, 'This device alone'), ...(alone ? [mayLine(alone)] : []))]),
      ...granted.map((entry) => grantedRow(session, entry)),
    )
  }
  return { element, refresh }
}

/** What the ledger says that each may do; undefined, and said so, while it cannot be asked. */
async function onLedger(
  { agent }: Session,
  away: HTMLElement,
  goOn: HTMLElement,
): Promise<readonly DeviceView[] | undefined> {
  try {
    const { devices, suspended } = await agent.devices.list()
    goOn.hidden = !suspended
    away.textContent = suspended ? 'Your DID is suspended: nothing acts for it for up to three days.' : ''
    return devices
  } catch (error) {
    if (!isKeysteadError(error)) throw error
    away.textContent = `What the ledger says of them is not known now: ${error.message}`
    return undefined
  }
}

interface About {
  readonly entry: DeviceView | undefined
  /** This device may change which devices there are. */
  readonly may: boolean
  readonly refresh: () => Promise<void>
}

function row({ agent }: Session, device: OwnDeviceView, { entry, may, refresh }: About): HTMLElement {
  const { name, self, revoked } = device
  const renaming = h('div', {})
  const rename = async (): Promise<void> => {
    const to = field(`New name of ${name}`, { required: true, maxlength: '64', value: name })
    swap(
      renaming,
      form('Rename', [to.row], async () => {
        if (to.input.value.trim() !== name) await agent.devices.rename(name, to.input.value.trim())
        swap(renaming)
        await refresh()
      }),
    )
    to.input.focus()
  }
  const revoke = async (): Promise<void> => {
    await agent.devices.revoke(name)
    await agent.sync()
  }
  return h(
    'li',
    { 'data-device': name },
    h('div', { class: 'row' }, h('strong', {}, name), h('span', { class: 'soft' }, state(device))),
    ...(entry && revoked === undefined ? [mayLine(entry)] : []),
    ...(may && revoked === undefined
      ? [
          h(
            'div',
            { class: 'row' },
            action('Rename', rename, 'plain', name),
            ...(self
              ? []
              : [
                  confirmed(
                    'Revoke',
                    `${name} is shut out everywhere: of your messages, of every contact, of your DID. This cannot be undone; what it has read it has read. It loses nothing that is on its own disk.`,
                    `Revoke ${name} for good`,
                    revoke,
                    name,
                  ),
                ]),
          ),
        ]
      : []),
    renaming,
  )
}

const mayLine = (entry: DeviceView): HTMLElement =>
  h('p', { class: 'soft' }, `May ${allowed(entry)}, until ${time(entry.until)}`)

const allowed = ({ capabilities }: DeviceView): string =>
  capabilities.map((capability) => WORDS[capability]).join('; ') || 'do nothing for your DID'

function state({ self, admin, authority, joined, missing = [], revoked, left }: OwnDeviceView): string {
  const what = [
    ...(self ? ['this one'] : []),
    ...(authority && revoked === undefined ? ['holds the keys of your DID'] : []),
    ...(admin && revoked === undefined ? ['adds and revokes devices'] : []),
    ...(joined || self || revoked !== undefined ? [] : ['on its way in']),
    ...(missing.length > 0 ? [`not yet known to ${missing.join(', ')}`] : []),
    ...(revoked === undefined ? [] : [`revoked ${time(revoked)}`]),
    ...(left?.agency ? ['the agency still serves it'] : []),
    ...(left?.ledger ? ['the ledger still has its entry'] : []),
    ...(left?.authority
      ? [
          left.together
            ? 'can be taken out of your DID by two others'
            : 'holds the authority of your DID until you recover it',
        ]
      : []),
    ...(left?.contacts.length ? [`still known to ${left.contacts.join(', ')}`] : []),
  ]
  return what.join(', ')
}

/** A device that does not share this wallet, and may act for the DID. */
function grantedRow({ agent }: Session, entry: DeviceView): HTMLElement {
  const { name = '', standing, until } = entry
  return h(
    'li',
    { 'data-device': name },
    h('div', { class: 'row' }, h('strong', {}, name), h('span', { class: 'soft' }, 'does not share this wallet')),
    h('p', { class: 'soft' }, `May ${allowed(entry)}, ${standing === 'active' ? `until ${time(until)}` : standing}`),
    confirmed(
      'Revoke',
      `${name} may do nothing for your DID any more.`,
      `Revoke ${name} for good`,
      () => agent.devices.revoke(name),
      name,
    ),
  )
}
