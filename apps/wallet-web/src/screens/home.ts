/** You: the DID on the ledger with its proof, the cloud agent, the keys. */
import { SERVICES } from '@keystead/agent'
import type { Identity } from '@keystead/agent/edge'
import { isKeysteadError } from '@keystead/core'
import { action, card, h, swap, time } from '../dom.ts'
import { keptBuild } from '../offline/keeping.ts'
import type { Screen } from '../rooms.ts'
import type { Session } from '../session.ts'

export function homeScreen(session: Session): Screen {
  const { agent, ledger } = session
  const did = h('div', {})
  const cloud = h('div', {})
  const rotated = h('p', { class: 'soft', role: 'status' })
  const passkey = h('p', { class: 'soft', role: 'status' })
  const ways = h('ul', {})
  const kept = h('p', {})
  const element = h(
    'div',
    {},
    card('Your DID', did),
    card(
      'Your devices',
      h('p', {}, 'Let another device into this wallet, or shut one out that is lost.'),
      h('a', { href: '#devices' }, 'Devices'),
    ),
    card(
      'If you lose everything',
      h('p', {}, 'How recoverable you are, and what is missing.'),
      h('a', { href: '#recovery' }, 'Recovery'),
    ),
    card(
      'Somebody who acts for you',
      h('p', {}, 'A parent, a child, a lawyer, as far as you say; and for whom you do.'),
      h('a', { href: '#guardians' }, 'Guardians'),
    ),
    card('Your cloud agent', cloud),
    card(
      'What opens this wallet',
      h('p', {}, 'A passkey works on this page’s address alone: keep the passphrase beside it.'),
      ways,
      action('Add a passkey', async () => {
        await session.addPasskey()
        passkey.textContent = 'Added. The next time, unlock with it.'
        await showWays()
      }),
      passkey,
    ),
    card(
      'Keys',
      h(
        'p',
        {},
        'New keys everywhere: your DIDs on the ledger and every relationship. Your contacts follow by themselves.',
      ),
      action('Rotate all keys', async () => {
        const { identities, relationships } = await agent.rotateAll()
        rotated.textContent = `New keys for ${identities} DID(s) and ${relationships} relationship(s).`
      }),
      rotated,
    ),
    card('This page', kept),
  )
  const showKept = async (): Promise<void> => {
    const build = await keptBuild()
    if (kept.childElementCount > 0) return
    kept.replaceChildren(
      ...(build
        ? [
            `Version ${build.version} is kept in this browser, and starts without a network. Build: `,
            h('code', { 'data-testid': 'build' }, build.hash),
          ]
        : ['It is not kept in this browser: it starts with a network alone.']),
    )
  }
  const showWays = async (): Promise<void> => {
    const slots = await session.keyslots()
    const remove = (slotId: string, kind: string): HTMLElement => {
      const work = async (): Promise<void> => {
        await session.removeKeyslot(slotId)
        passkey.textContent = ''
        await showWays()
      }
      return action('Remove', work, 'plain', kind)
    }
    swap(
      ways,
      ...slots.map(({ slotId, kind }) => h('li', {}, kind, ' ', ...(slots.length > 1 ? [remove(slotId, kind)] : []))),
    )
  }
  let shown = ''
  const refresh = async (): Promise<void> => {
    if (ways.childElementCount === 0) await showWays()
    void showKept()
    const { agency } = await agent.profile()
    const [identity] = (await agent.identities()).filter(({ use }) => use === 'public')
    const key = JSON.stringify([agency, identity?.did, identity?.seq, identity?.status, identity?.pendingUntil])
    if (key === shown) return
    shown = key
    cloud.replaceChildren(
      ...(agency
        ? [
            h('p', {}, `At ${agency.url}. It may:`),
            h('ul', {}, ...agency.services.map((name) => h('li', {}, SERVICES[name as keyof typeof SERVICES] ?? name))),
          ]
        : [h('p', {}, 'None yet.')]),
    )
    if (!identity) return did.replaceChildren(h('p', {}, 'None yet.'))
    // What this device has is there at once, also while the ledger does not answer.
    const proven = h('p', { class: 'soft' }, 'Asking the ledger …')
    did.replaceChildren(h('p', {}, h('code', { 'data-testid': 'did' }, identity.did)), ...standing(identity), proven)
    proven.replaceWith(await proof(identity.did))
  }
  const proof = async (subject: string): Promise<HTMLElement> => {
    try {
      const { level, age, history } = await ledger.history(subject)
      return h(
        'p',
        { class: 'soft', 'data-testid': 'proof' },
        `Operation ${history.state.seq}, derived from its genesis operation; proof checked in this page: ${level}, ${age} s old.`,
      )
    } catch (error) {
      if (!isKeysteadError(error)) throw error
      shown = ''
      return h('p', { class: 'maybe' }, `Not proven now: ${error.message}`)
    }
  }
  return { element, refresh }
}

function standing({ status, pendingUntil, strange }: Identity): HTMLElement[] {
  if (status === 'recovering')
    return [
      h(
        'p',
        { class: 'maybe' },
        pendingUntil === undefined
          ? 'On its way back to you.'
          : `Yours again from ${time(pendingUntil)}; until then a device of yours could object.`,
      ),
    ]
  if (status === 'lost') return [h('p', { class: 'bad' }, 'The ledger gives it to other keys than yours.')]
  if (strange)
    return [
      h(
        'p',
        { class: 'bad' },
        'It was changed by your keys, and not by this wallet: rotate all keys now if no other device of yours did it.',
      ),
    ]
  return []
}
