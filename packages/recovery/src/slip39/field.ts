/**
 * GF(256) of SLIP-39 ("Shamir's secret sharing"): polynomial x^8 + x^4 + x^3 + x + 1, generator x + 1, and Lagrange
 * interpolation over it. Tables are indexed by secret bytes: this runs on the owner's device, never beside a stranger.
 */
import type { Bytes } from '@keystead/core'

export interface Point {
  readonly x: number
  readonly y: Uint8Array
}

const EXP = new Uint8Array(255)
const LOG = new Uint8Array(256)
let power = 1
for (let i = 0; i < 255; i++) {
  EXP[i] = power
  LOG[power] = i
  power ^= power << 1
  if (power & 0x100) power ^= 0x11b
}

/** The value at `x` of the polynomial of least degree through `points`, whose x are all different. */
export function interpolate(points: readonly Point[], x: number): Bytes {
  const length = points[0]?.y.length ?? 0
  const known = points.find((point) => point.x === x)
  if (known) return Uint8Array.from(known.y)
  const result = new Uint8Array(length)
  for (const point of points) {
    // The logarithm of this point's Lagrange coefficient: product of (x - xj) / (xi - xj) over the other points.
    let log = 0
    for (const other of points)
      if (other !== point) log += (LOG[x ^ other.x] as number) - (LOG[point.x ^ other.x] as number)
    log = ((log % 255) + 255) % 255
    for (let i = 0; i < length; i++) {
      const y = point.y[i] as number
      if (y !== 0) result[i] = (result[i] as number) ^ (EXP[((LOG[y] as number) + log) % 255] as number)
    }
  }
  return result
}
