/** The life of one key, by its owner's hand: seen whole, suspended, resumed, renewed, archived, retrieved, destroyed. */
import { KeysteadError } from '@keystead/core'
import { encodeMultikey, SUITES, type Suite } from '@keystead/crypto'
import { isArchived, KEY_PURPOSES, type KeyInfo, periodEnd, type Vault } from '@keystead/wallet'
import type { Command } from 'commander'
import { EXIT } from '../exit.ts'
import { iso } from '../output.ts'
import { askLine } from '../passphrase.ts'
import { action, type Run, withWallet } from '../run.ts'
import type { OpenWallet } from '../wallet.ts'

const time = (ms: number | undefined): string => (ms === undefined ? 'never' : iso(Math.floor(ms / 1000)))

export function keyLifeCommands(keys: Command, program: Command): void {
  keys
    .command('show <key>')
    .description('everything kept with a key (SP 800-130, elements a to w), and its life')
    .action(
      action(program, (run, name: string) =>
        withWallet(run, async ({ vault }) => {
          const metadata = metadataOf(vault, await keyNamed(vault, name))
          const lines = Object.entries(metadata).map(([element, value]) => `${element.padEnd(20)} ${shown(value)}`)
          run.out.result(lines, metadata)
        }),
      ),
    )

  change(keys, program, 'suspend <key>', 'nothing is signed with it until it is resumed', (vault, keyId) =>
    vault.setKeyState(keyId, 'suspended', 'suspicion'),
  )
  change(keys, program, 'resume <key>', 'it may be used again', (vault, keyId) =>
    vault.setKeyState(keyId, 'active', 'suspicion cleared'),
  )
  change(
    keys,
    program,
    'renew <key>',
    'a new cryptoperiod, as far as NIST lets a key of its kind live',
    (vault, keyId) => vault.renewKey(keyId),
  )
  change(
    keys,
    program,
    'archive <key>',
    'a deactivated key that opens old messages no more until it is retrieved',
    (vault, keyId) => vault.archiveKey(keyId),
  )
  change(keys, program, 'retrieve <key>', 'takes a key out of the archive', (vault, keyId) => vault.retrieveKey(keyId))

  keys
    .command('destroy <key>')
    .description('its private half is gone for good; what is known of it stays')
    .option('--yes', 'do it without asking')
    .action(
      action(program, (run, name: string, { yes }: { yes?: boolean }) =>
        withWallet(run, (opened) => destroy(run, opened, name, yes === true)),
      ),
    )
}

function change(
  keys: Command,
  program: Command,
  usage: string,
  description: string,
  work: (vault: Vault, keyId: string) => Promise<void>,
): void {
  keys
    .command(usage)
    .description(description)
    .action(
      action(program, (run, name: string) =>
        withWallet(run, async ({ vault }) => {
          const { keyId } = await keyNamed(vault, name)
          await work(vault, keyId)
          tell(run, await keyNamed(vault, keyId))
        }),
      ),
    )
}

/** The notice ahead that SP 800-130 asks for (FR:6.39) is to the owner: nobody else has the key. */
async function destroy(run: Run, { vault, agent }: OpenWallet, name: string, yes: boolean): Promise<number> {
  const key = await keyNamed(vault, name)
  if (!yes) {
    const { steps } = await agent.replacementPlan(key.keyId)
    run.out.note(`${key.keyId.slice(0, 8)}, ${key.purpose}, ${key.state}. What depends on it would stand without it:`)
    for (const { text } of steps.length > 0 ? steps : [{ text: 'nothing that this wallet knows of' }])
      run.out.note(`  ${text}`)
    if ((await askLine('Destroy its private half for good? Type "yes": ')) !== 'yes') {
      run.out.result('Nothing was done.', {})
      return EXIT.negative
    }
  }
  await vault.setKeyState(key.keyId, 'destroyed', 'owner decided')
  tell(run, await keyNamed(vault, key.keyId))
  return EXIT.ok
}

function tell(run: Run, key: KeyInfo): void {
  const { keyId, purpose, state } = key
  const archived = isArchived(key)
  const until = state === 'active' ? `, until ${time(periodEnd(key))}` : ''
  run.out.result(`${keyId.slice(0, 8)}, ${purpose}: ${archived ? 'archived' : state}${until}.`, {
    keyId,
    purpose,
    state,
    archived,
  })
}

/** By id or the beginning of one. */
export async function keyNamed(vault: Vault, name: string): Promise<KeyInfo> {
  const found = (await vault.keys()).filter(({ keyId }) => keyId.startsWith(name))
  const [key, ...others] = found
  if (!key || others.length > 0) throw new KeysteadError('NO_SUCH_KEY', `${found.length} keys begin with "${name}"`)
  return key
}

/** The elements of SP 800-130, section 6.2.1, by their letters there. */
function metadataOf({ id }: Vault, key: KeyInfo) {
  const { keyId, publicKey, purpose, state, events, uses, owner, product, type } = key
  const { sensitivity, type: nist, kind } = KEY_PURPOSES[purpose]
  const suite: Suite = SUITES[type.suite]
  return {
    'a label': purpose,
    'b identifier': keyId,
    'c owner': owner ?? `whoever unlocks wallet ${id}`,
    'd state': isArchived(key) ? `${state}, archived` : state,
    'e format': 'Multikey; the private half a seed or scalar, wrapped by XChaCha20-Poly1305',
    'f product': product ?? 'not recorded',
    'g algorithm': type.suite,
    'h scheme': kind,
    'i parameters': suite.jwk?.crv ?? type.suite,
    'j length': suite.secretBytes * 8,
    'k strength': suite.strength,
    'l type': nist,
    'm applications': purpose,
    'n policy': 'VAULT-5, VAULT-12',
    'o access': 'whoever unlocks the wallet, as far as its policy lets them',
    'p uses': uses,
    'q parent': 'none',
    'r sensitivity': sensitivity,
    's protection': 'XChaCha20-Poly1305, record and private half',
    't metadata protection': 'XChaCha20-Poly1305',
    'u association': 'one sealed record',
    'v times': [
      ...events.map(({ at, number, to, reason }) => `${time(at)} ${to} (${number}), ${reason}`),
      `${time(periodEnd(key))} end of its period`,
    ],
    'w revocation':
      state === 'compromised' ? (events.findLast(({ to }) => to === 'compromised')?.reason ?? '') : 'none',
    publicKey: encodeMultikey(publicKey),
  }
}

const shown = (value: string | number | readonly string[]): string =>
  Array.isArray(value) ? value.join(`\n${' '.repeat(21)}`) : String(value)
