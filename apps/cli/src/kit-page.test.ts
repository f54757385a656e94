import { base64url, multihash, systemRandom } from '@keystead/core'
import { createKit } from '@keystead/recovery'
import { describe, expect, it } from 'vitest'
import { kitFile, readKit } from './kit-page.ts'

const kit = createKit({
  secret: systemRandom(32),
  locator: systemRandom(16),
  agencies: ['https://agency.example/?a=1&b=2'],
  genesis: multihash.encode(systemRandom(32)),
  checkpoint: { height: 7, hash: base64url.encode(systemRandom(32)) },
  random: systemRandom,
})

describe('the kit in a file', () => {
  it.each(['kit.txt', 'kit.html'])('%s reads back', (name) => expect(readKit(kitFile(kit, name))).toEqual(kit))

  it('as a page has words, QR code and nothing that is fetched', () => {
    const page = kitFile(kit, 'kit.html')
    expect(page).toContain('<svg')
    expect(page).toContain(` 1. ${kit.words.split(' ')[0]}`)
    expect(page).not.toMatch(/src=|href=|url\(|<script/)
  })

  it('with a damaged line is refused', () => {
    const page = kitFile(kit, 'kit.html').replace(/keystead-kit:1:./, 'keystead-kit:1:_')
    expect(() => readKit(page)).toThrow(expect.objectContaining({ code: 'BAD_KIT' }))
  })
})
