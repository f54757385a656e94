/**
 * `cloud-agent/1.0` (flow V5): what an owner's cloud agent may do for them. It holds only what it was granted, and refuses
 * every service beyond that.
 *
 *   owner --grant { services }--> agency --granted { services }--> owner
 */
import { Fields, fail } from '@keystead/core'

export const GRANT = 'https://keystead.dev/cloud-agent/1.0/grant'
export const GRANTED = 'https://keystead.dev/cloud-agent/1.0/granted'

/** What a person reads before they agree. */
export const SERVICES = {
  mailbox: 'receive encrypted messages for you and keep them until you fetch them',
  backup: 'keep your sealed backups, and what your devices share, which it cannot open',
  escrow: 'keep a share of your recovery behind your PIN, and count who guesses it',
  publish: 'show files you publish, such as status lists, to anybody',
} as const
export type CloudService = keyof typeof SERVICES

/** What an owner's own cloud agent is granted. Escrow agents are granted theirs one by one, under other names. */
export const DEFAULT_SERVICES: readonly CloudService[] = ['mailbox', 'backup', 'publish']

export function parseServices(body: unknown): CloudService[] {
  const fields = new Fields(body, 'body')
  const services = fields.array('services', { max: 8 }, (item, path) =>
    typeof item === 'string' && Object.hasOwn(SERVICES, item) ? (item as CloudService) : fail(path, 'is no service'),
  )
  fields.end()
  return [...new Set(services)]
}
