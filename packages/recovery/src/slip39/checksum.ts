/** RS1024 (SLIP-39 "Checksum"): a Reed-Solomon code over ten-bit words that finds any three changed words. */

const GENERATOR = [
  0xe0e040, 0x1c1c080, 0x3838100, 0x7070200, 0xe0e0009, 0x1c0c2412, 0x38086c24, 0x3090fc48, 0x21b1f890, 0x3f3f120,
] as const

export const CHECKSUM_WORDS = 3

function polymod(values: readonly number[]): number {
  let checksum = 1
  for (const value of values) {
    const top = checksum >>> 20
    checksum = ((checksum & 0xfffff) << 10) ^ value
    for (const [bit, term] of GENERATOR.entries()) if ((top >>> bit) & 1) checksum ^= term
  }
  return checksum
}

const customization = (extendable: boolean): number[] =>
  [...(extendable ? 'shamir_extendable' : 'shamir')].map((character) => character.charCodeAt(0))

/** The three words that follow `data`. */
export function checksumOf(data: readonly number[], extendable: boolean): number[] {
  const value = polymod([...customization(extendable), ...data, 0, 0, 0]) ^ 1
  return [2, 1, 0].map((index) => (value >>> (10 * index)) & 0x3ff)
}

export function checksumHolds(words: readonly number[], extendable: boolean): boolean {
  return polymod([...customization(extendable), ...words]) === 1
}
