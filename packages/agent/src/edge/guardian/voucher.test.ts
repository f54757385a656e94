/** Since when an entry makes a guardian (GUARDIAN-5). */
import { CAPABILITY, type History } from '@keystead/did-dkms'
import { expect, it } from 'vitest'
import { guardianSince } from './voucher.ts'

/** A history in which the entry `e` had this at these times. */
function history(...versions: { from: number; caps?: number; exp?: number }[]): Pick<History, 'versions'> {
  const agents = (caps: number, exp: number) => [{ h: 'e', caps, exp }]
  return {
    versions: versions.map(({ from, caps, exp = 1000 }) => ({
      from,
      state: { agents: caps === undefined ? [] : agents(caps, exp) },
    })) as unknown as History['versions'],
  }
}

const { GUARDIAN, SUSPEND } = CAPABILITY

it('counts from when the entry had the capability, through changes of other things', () => {
  const versions = history({ from: 10 }, { from: 20, caps: GUARDIAN }, { from: 30, caps: GUARDIAN | SUSPEND })
  expect(guardianSince(versions, 'e', 100)).toBe(20)
})

it('counts anew when the entry, or the capability, was gone meanwhile', () => {
  const without = history({ from: 10, caps: GUARDIAN }, { from: 20, caps: SUSPEND }, { from: 30, caps: GUARDIAN })
  expect(guardianSince(without, 'e', 100)).toBe(30)
  expect(
    guardianSince(history({ from: 10, caps: GUARDIAN }, { from: 20 }, { from: 30, caps: GUARDIAN }), 'e', 100),
  ).toBe(30)
})

it('counts anew when the entry had expired meanwhile: whoever stole the owner’s wallet may prolong it', () => {
  const prolonged = (exp: number) => history({ from: 10, caps: GUARDIAN, exp }, { from: 50, caps: GUARDIAN, exp: 1000 })
  expect(guardianSince(prolonged(51), 'e', 100)).toBe(10)
  expect(guardianSince(prolonged(50), 'e', 100)).toBe(50)
  expect(guardianSince(prolonged(20), 'e', 100)).toBe(50)
})

it('is now for one that is none', () => {
  expect(guardianSince(history({ from: 10 }), 'e', 100)).toBe(100)
  expect(guardianSince(history({ from: 10, caps: GUARDIAN, exp: 100 }), 'e', 100)).toBe(100)
})
