/** The agency's configuration, parsed from its environment. Every bad value is refused, by the name of its variable. */
import { join } from 'node:path'
import { KeysteadError } from '@keystead/core'
import type { TrustPoint } from '@keystead/light-client'

export interface AgencyConfig {
  readonly data: string
  readonly host: string
  readonly port: number
  readonly url?: string
  readonly operator?: string
  readonly demonstration: boolean
  readonly witness?: string
  readonly database?: string
  readonly wakeUps: boolean
  readonly metrics?: { readonly host: string; readonly port: number }
  readonly adminSocket?: string
  readonly rate?: { readonly perSecond: number; readonly atOnce: number }
  readonly behindProxy: boolean
  readonly mailDays?: number
  readonly attachments: { readonly days?: number; readonly accountBytes?: number; readonly totalBytes?: number }
  readonly contact?: string
  readonly resolves: 'off' | 'ledger' | 'web'
  readonly relay: boolean
  readonly ledger?: string
  readonly network?: string
  readonly checkpoints: readonly TrustPoint[]
}

type Environment = Readonly<Record<string, string | undefined>>

/** A path longer than this does not fit into a socket's address (`sun_path`). */
const MAX_SOCKET_PATH = 100

/** Throws `BAD_CONFIG`. A variable that is set but empty counts as not set. */
export function readConfig(environment: Environment): AgencyConfig {
  const text = (name: string): string | undefined => environment[name] || undefined
  const refuse = (name: string, must: string): never => {
    throw new KeysteadError('BAD_CONFIG', `${name} must be ${must}`)
  }
  /** The first group of `pattern`, or all that it found. */
  const matching = (name: string, pattern: RegExp, must: string): RegExpExecArray | undefined => {
    const value = text(name)
    return value === undefined ? undefined : (pattern.exec(value) ?? refuse(name, must))
  }
  const whole = (name: string, min: number, max: number): number | undefined => {
    const must = `a whole number from ${min} to ${max}`
    const found = matching(name, /^\d{1,9}$/, must)
    if (!found) return undefined
    const value = Number(found[0])
    return value >= min && value <= max ? value : refuse(name, must)
  }
  const mebibytes = (name: string): number | undefined => {
    const count = whole(name, 0, 2 ** 20)
    return count === undefined ? undefined : count * 2 ** 20
  }
  const choice = <T extends string>(name: string, ...allowed: readonly T[]): T | undefined => {
    const value = text(name)
    return value === undefined
      ? undefined
      : (allowed.find((one) => one === value) ?? refuse(name, `one of ${allowed.join(', ')}`))
  }
  const address = (name: string, protocols: readonly string[], must: string): string | undefined => {
    const value = text(name)
    if (value === undefined) return undefined
    const url = URL.canParse(value) ? new URL(value) : refuse(name, must)
    return protocols.includes(url.protocol) ? value : refuse(name, must)
  }
  const http = (name: string): string | undefined =>
    address(name, ['http:', 'https:'], 'an address that begins with https:// or http://')?.replace(/\/+$/, '')

  const data = text('KEYSTEAD_AGENCY_DATA') ?? '.keystead/agency'
  const metricsPort = whole('KEYSTEAD_AGENCY_METRICS_PORT', 1, 65_535)
  const perSecond = whole('KEYSTEAD_AGENCY_RATE', 0, 1_000_000)
  const blocks = matching(
    'KEYSTEAD_CHECKPOINT',
    /^\d{1,15}:[A-Za-z0-9_-]{43}(?:,\d{1,15}:[A-Za-z0-9_-]{43}){0,7}$/,
    'height:hash of a block, several with commas between',
  )?.[0]
  const port = whole('KEYSTEAD_AGENCY_PORT', 1, 65_535) ?? 7720
  const database = address('DATABASE_URL', ['postgres:', 'postgresql:'], 'an address that begins with postgres://')
  // Instances that share a folder have a socket each.
  const socketName = database === undefined ? 'admin.sock' : `admin-${port}.sock`
  const adminSocket = text('KEYSTEAD_AGENCY_ADMIN_SOCKET') ?? join(data, socketName)
  if (adminSocket !== 'off' && adminSocket.length > MAX_SOCKET_PATH && text('KEYSTEAD_AGENCY_ADMIN_SOCKET'))
    refuse('KEYSTEAD_AGENCY_ADMIN_SOCKET', `a path of at most ${MAX_SOCKET_PATH} characters, or "off"`)
  const config = {
    data,
    host: text('KEYSTEAD_AGENCY_HOST') ?? '127.0.0.1',
    port,
    url: http('KEYSTEAD_AGENCY_PUBLIC_URL'),
    operator: matching('KEYSTEAD_AGENCY_OPERATOR', /^.{1,64}$/u, 'a name of at most 64 characters')?.[0],
    demonstration: choice('KEYSTEAD_AGENCY_DEMONSTRATION', '0', '1') === '1',
    witness: text('KEYSTEAD_AGENCY_WITNESS'),
    database,
    wakeUps: choice('KEYSTEAD_AGENCY_WAKE_UPS', 'on', 'off') !== 'off',
    metrics:
      metricsPort === undefined
        ? undefined
        : { host: text('KEYSTEAD_AGENCY_METRICS_HOST') ?? '127.0.0.1', port: metricsPort },
    adminSocket: adminSocket === 'off' || adminSocket.length > MAX_SOCKET_PATH ? undefined : adminSocket,
    rate: perSecond === undefined ? undefined : { perSecond, atOnce: perSecond * 20 },
    behindProxy: choice('KEYSTEAD_AGENCY_PROXY', '0', '1') === '1',
    mailDays: whole('KEYSTEAD_AGENCY_MAIL_DAYS', 1, 3650),
    attachments: given({
      days: whole('KEYSTEAD_AGENCY_ATTACHMENT_DAYS', 1, 3650),
      accountBytes: mebibytes('KEYSTEAD_AGENCY_ATTACHMENT_MIB'),
      totalBytes: mebibytes('KEYSTEAD_AGENCY_ATTACHMENT_TOTAL_MIB'),
    }),
    contact: address(
      'KEYSTEAD_AGENCY_CONTACT',
      ['https:', 'mailto:'],
      'an address that begins with https:// or mailto:',
    ),
    resolves: choice('KEYSTEAD_AGENCY_RESOLVER', 'off', 'ledger', 'web') ?? 'ledger',
    relay: choice('KEYSTEAD_AGENCY_RELAY', 'on', 'off') !== 'off',
    ledger: http('KEYSTEAD_LEDGER_URL'),
    network: matching('KEYSTEAD_NETWORK', /^\S{1,200}$/, 'the hash of a network')?.[0],
    checkpoints: (blocks?.split(',') ?? []).map((block) => {
      const [height, hash = ''] = block.split(':')
      return { height: Number(height), hash }
    }),
  }
  return given(config) as unknown as AgencyConfig
}

/** Without what was not set. */
function given<T extends object>(config: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
