/** What you may do for somebody who made you their guardian (GUARDIAN-4, GUARDIAN-5). */
import type { GuardianCapability, WardView } from '@keystead/agent/edge'
import { confirmed, field, form, h } from '../dom.ts'
import { link } from '../qr.ts'
import { scanField } from '../scan.ts'
import type { Session } from '../session.ts'
import { MAY, standsAs } from './guardian-words.ts'

export function wardRow(session: Session, ward: WardView): HTMLElement {
  const { label, can, standing } = ward
  return h(
    'li',
    { 'data-ward': label },
    h('div', { class: 'row' }, h('strong', {}, label), h('span', { class: 'soft' }, standsAs(ward))),
    h('p', { class: 'soft' }, `For them you may ${can.map((one) => MAY[one]).join('; ')}`),
    ...(standing === 'active' ? can.map((one) => ACTS[one](session, ward)) : []),
  )
}

const ACTS: Readonly<Record<GuardianCapability, (session: Session, ward: WardView) => HTMLElement>> = {
  SUSPEND: stop,
  GUARDIAN: recover,
  UPDATE_SERVICE: move,
  ROTATE: dropKey,
}

function stop({ agent }: Session, { relationship, label }: WardView): HTMLElement {
  const done = h('p', { class: 'good', role: 'status' })
  const work = async (): Promise<void> => {
    await agent.guardians.suspend(relationship)
    done.textContent = `Stopped. ${label} is told.`
  }
  const words = `Nothing can be done with the DID of ${label} for up to three days; then it goes on by itself, and ${label} can end it before.`
  return h('div', {}, confirmed('Stop everything', words, `Stop everything of ${label}`, work, `of ${label}`), done)
}

function recover({ agent }: Session, { relationship, label }: WardView): HTMLElement {
  const asked = scanField('The link that the new device shows', { required: true, type: 'url' })
  const place = h('div', { role: 'status' })
  const work = async (): Promise<void> => {
    const url = await agent.guardians.recover(relationship, asked.input.value)
    asked.input.value = ''
    place.replaceChildren(
      h(
        'p',
        {},
        `Give this link to the recovery contacts of ${label}; call each, and read them the code of the new device.`,
      ),
      link(url, 'QR code of the link with your word'),
    )
  }
  return under(
    `Recover the wallet of ${label}`,
    h(
      'p',
      {},
      'On the device that is held for them choose “I lost my devices”. You put your word under the link that it shows.',
    ),
    form('Put my word under it', [asked.row], work),
    place,
  )
}

function move({ agent }: Session, { relationship, label }: WardView): HTMLElement {
  const agency = field('Address of the agency', { required: true, type: 'url' })
  const done = h('p', { class: 'good', role: 'status' })
  const work = async (): Promise<void> => {
    await agent.guardians.moveMail(relationship, new URL(agency.input.value).origin)
    agency.input.value = ''
    done.textContent = `The document names that agency now. ${label} is told.`
  }
  return under(`Change where the mail of ${label} goes`, form('Change it', [agency.row], work), done)
}

function dropKey({ agent }: Session, { relationship, label }: WardView): HTMLElement {
  const key = field('The key’s name in the document, what stands behind the “#”', { required: true })
  const done = h('p', { class: 'good', role: 'status' })
  const work = async (): Promise<void> => {
    await agent.guardians.removeKey(relationship, key.input.value.replace(/^.*#/, '').trim())
    key.input.value = ''
    done.textContent = `The key is out of the document. ${label} is told.`
  }
  return under(`Take a stolen key of ${label} out`, form('Take it out', [key.row], work), done)
}

const under = (title: string, ...children: readonly HTMLElement[]): HTMLElement =>
  h('details', {}, h('summary', {}, title), ...children)
