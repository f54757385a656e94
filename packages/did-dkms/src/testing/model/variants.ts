/** What the thief has, what the owner has, and what is to be shown; `spec/did-dkms-model.md` tells them with their results. */
import type { Game } from './game.ts'

export interface Variant extends Game {
  readonly title: string
  readonly ownerWins: boolean
  /** Too large for every run of the tests. */
  readonly deep?: true
}

const DAY = 'TOT+'

export const VARIANTS: readonly Variant[] = [
  {
    title: 'current key stolen; the owner has the next key and no recovery',
    beginning: { key: 'B0', next: 'O0', agents: [], paths: [] },
    day: DAY,
    ownerWins: true,
  },
  {
    title: 'current key stolen, owner asleep for 30 ticks',
    beginning: { key: 'B0', next: 'O0', agents: [], paths: ['O1'] },
    day: DAY,
    asleep: 30,
    ownerWins: true,
  },
  {
    title: 'current and next key stolen; the owner has a recovery path',
    beginning: { key: 'B0', next: 'B1', agents: [], paths: ['O0'] },
    day: DAY,
    ownerWins: true,
  },
  {
    title: 'current and next key stolen, two thief moves for each of the owner',
    beginning: { key: 'B0', next: 'B1', agents: [], paths: ['O0'] },
    day: 'TTOTT+',
    ownerWins: true,
    deep: true,
  },
  {
    title: 'all keys lost and stolen; the owner has a recovery path only',
    beginning: { key: 'T0', next: 'T1', agents: [], paths: ['O0'] },
    day: DAY,
    ownerWins: true,
  },
  {
    title: 'current and next key stolen, owner asleep for 3 of the 4 ticks that changes of recovery are held',
    beginning: { key: 'B0', next: 'B1', agents: [], paths: ['O0'] },
    day: DAY,
    asleep: 3,
    ownerWins: true,
  },
  {
    title: 'the same, asleep for all of them',
    beginning: { key: 'B0', next: 'B1', agents: [], paths: ['O0'] },
    day: DAY,
    asleep: 4,
    ownerWins: false,
  },
  {
    title: 'current and next key stolen; no recovery was set up',
    beginning: { key: 'B0', next: 'B1', agents: [], paths: [] },
    day: DAY,
    ownerWins: false,
  },
  {
    title: 'an ADMIN device stolen, one other ADMIN, no recovery',
    beginning: { key: 'O0', next: 'O1', agents: ['Bphone', 'Olaptop'], paths: [] },
    day: DAY,
    ownerWins: true,
  },
  {
    title: 'an ADMIN device stolen; authority keys lost; the owner has another ADMIN and a recovery path',
    beginning: { key: 'L0', next: 'L1', agents: ['Bphone', 'Olaptop'], paths: ['O0'] },
    day: DAY,
    ownerWins: true,
  },
  {
    title: 'an ADMIN device and the current key stolen; two other ADMINs, recovery',
    beginning: { key: 'B0', next: 'O0', agents: ['Bphone', 'Olaptop', 'Otablet'], paths: ['O1'] },
    day: DAY,
    ownerWins: true,
    deep: true,
  },
  {
    title: 'an ADMIN device, current and next key stolen; another ADMIN, recovery',
    beginning: { key: 'B0', next: 'B1', agents: ['Bphone', 'Olaptop'], paths: ['O0'] },
    day: DAY,
    ownerWins: true,
    deep: true,
  },
  {
    title: 'a recovery path in the thief’s hands; the owner has all keys and no path of its own',
    beginning: { key: 'O0', next: 'O1', agents: [], paths: ['T0'] },
    day: DAY,
    ownerWins: false,
  },
  {
    title: 'a recovery path in the thief’s hands; the owner has all keys and another path, and is never first',
    beginning: { key: 'O0', next: 'O1', agents: [], paths: ['T0', 'O2'] },
    day: DAY,
    ownerWins: true,
  },
]
