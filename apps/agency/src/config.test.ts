import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readConfig } from './config.ts'
import { DEPLOYED } from './testing/process.ts'

const HASH = 'A'.repeat(43)

describe('the configuration', () => {
  it('has defaults that run an agency for this machine alone', () => {
    expect(readConfig({ PATH: '/bin', KEYSTEAD_AGENCY_PORT: '' })).toEqual({
      data: '.keystead/agency',
      checkpoints: [],
      host: '127.0.0.1',
      port: 7720,
      demonstration: false,
      wakeUps: true,
      behindProxy: false,
      attachments: {},
      resolves: 'ledger',
      relay: true,
      adminSocket: '.keystead/agency/admin.sock',
    })
  })

  it('reads every variable', () => {
    const config = readConfig({
      KEYSTEAD_AGENCY_DATA: '/data',
      KEYSTEAD_AGENCY_PORT: '80',
      KEYSTEAD_AGENCY_PUBLIC_URL: 'https://agency.example/',
      KEYSTEAD_AGENCY_METRICS_PORT: '9100',
      KEYSTEAD_AGENCY_RATE: '5',
      KEYSTEAD_AGENCY_PROXY: '1',
      KEYSTEAD_AGENCY_WAKE_UPS: 'off',
      KEYSTEAD_AGENCY_MAIL_DAYS: '7',
      KEYSTEAD_AGENCY_ATTACHMENT_DAYS: '8',
      KEYSTEAD_AGENCY_ATTACHMENT_MIB: '0',
      KEYSTEAD_AGENCY_ATTACHMENT_TOTAL_MIB: '3',
      KEYSTEAD_AGENCY_RESOLVER: 'web',
      KEYSTEAD_AGENCY_RELAY: 'off',
      DATABASE_URL: 'postgres://keystead@db/keystead',
      KEYSTEAD_CHECKPOINT: `12:${HASH},9:${HASH}`,
    })
    expect(config).toMatchObject({
      url: 'https://agency.example',
      metrics: { host: '127.0.0.1', port: 9100 },
      rate: { perSecond: 5, atOnce: 100 },
      behindProxy: true,
      wakeUps: false,
      resolves: 'web',
      relay: false,
      mailDays: 7,
      attachments: { days: 8, accountBytes: 0, totalBytes: 3 * 2 ** 20 },
      adminSocket: '/data/admin-80.sock',
      checkpoints: [
        { height: 12, hash: HASH },
        { height: 9, hash: HASH },
      ],
    })
  })

  it.each([
    ['KEYSTEAD_AGENCY_PORT', '0'],
    ['KEYSTEAD_AGENCY_PORT', '7720x'],
    ['KEYSTEAD_AGENCY_PORT', '99999'],
    ['KEYSTEAD_AGENCY_PUBLIC_URL', 'agency.example'],
    ['KEYSTEAD_AGENCY_PUBLIC_URL', 'ftp://agency.example'],
    ['KEYSTEAD_AGENCY_METRICS_PORT', '-1'],
    ['KEYSTEAD_AGENCY_RATE', 'much'],
    ['KEYSTEAD_AGENCY_PROXY', 'yes'],
    ['KEYSTEAD_AGENCY_WAKE_UPS', 'false'],
    ['KEYSTEAD_AGENCY_MAIL_DAYS', '0'],
    ['KEYSTEAD_AGENCY_ATTACHMENT_DAYS', '0'],
    ['KEYSTEAD_AGENCY_ATTACHMENT_MIB', '-1'],
    ['KEYSTEAD_AGENCY_ATTACHMENT_TOTAL_MIB', 'all'],
    ['KEYSTEAD_AGENCY_RESOLVER', 'on'],
    ['KEYSTEAD_AGENCY_RELAY', '1'],
    ['KEYSTEAD_AGENCY_DEMONSTRATION', 'true'],
    ['KEYSTEAD_AGENCY_OPERATOR', 'x'.repeat(65)],
    ['KEYSTEAD_AGENCY_ADMIN_SOCKET', `/${'x'.repeat(120)}`],
    ['DATABASE_URL', 'mysql://db'],
    ['KEYSTEAD_LEDGER_URL', 'localhost'],
    ['KEYSTEAD_CHECKPOINT', '12'],
  ])('refuses %s=%s by its name', (name, value) => {
    const wrong = (() => {
      try {
        readConfig({ [name]: value })
      } catch (error) {
        return error as { code?: string; message: string }
      }
      return undefined
    })()
    expect(wrong).toMatchObject({ code: 'BAD_CONFIG' })
    expect(wrong?.message).toMatch(new RegExp(`^${name} must be `))
  })
})

it.each([
  'apps/agency/deploy/Containerfile',
  'apps/agency/deploy/keystead-agency@.service',
  'docs/guides/agency-operator.md',
])('%s starts it with the flags that are measured', (file) => {
  const text = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8').replace(/[",]/g, '')
  expect(text).toContain(`node ${DEPLOYED.join(' ')} --conditions=@keystead/source`)
})
