/** ATTACH-7: where a page goes for what a contact's link names. */
import { describe, expect, it } from 'vitest'
import { download, isPublicName } from './download.ts'

describe('a host that a contact chose', () => {
  it.each(['agency.example', 'files.agency.example', 'xn--bcher-kva.example'])('%s may be asked', (host) =>
    expect(isPublicName(host)).toBe(true),
  )

  it.each([
    'localhost',
    'wallet.localhost',
    'printer',
    'printer.local',
    'db.internal',
    'box.home.arpa',
    '127.0.0.1',
    '10.0.0.1',
    '[::1]',
    '[fd00::1]',
    '0x7f.1',
    'a..example',
    '',
  ])('%s MUST NOT be', async (host) => {
    expect(isPublicName(host)).toBe(false)
  })

  it.each([
    'https://127.0.0.1/x',
    'https://2130706433/x',
    'https://[::ffff:127.0.0.1]/x',
    'https://localhost/x',
    'http://agency.example/x',
  ])('%s MUST NOT be fetched', async (url) => {
    await expect(download(url, { maxBytes: 1, accept: '*/*' })).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
      message: expect.stringContaining('no public host'),
    })
  })
})
