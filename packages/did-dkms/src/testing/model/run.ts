/** `npm run test:model`: every variant, and how large each was. */
import { solve } from './game.ts'
import { VARIANTS } from './variants.ts'

let wrong = 0
for (const variant of VARIANTS) {
  const start = performance.now()
  const { ownerWins, positions, won, moves, depth } = solve(variant)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  if (ownerWins !== variant.ownerWins) wrong++
  const verdict = ownerWins ? `owner wins in at most ${depth} steps` : 'owner does not win'
  console.log(`${ownerWins === variant.ownerWins ? 'ok   ' : 'WRONG'} ${variant.title} (${variant.day})`)
  console.log(`      ${verdict}; ${positions} positions, ${won} won, ${moves} moves, ${seconds} s`)
}
process.exit(wrong === 0 ? 0 : 1)
