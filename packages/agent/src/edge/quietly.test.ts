import { KeysteadError } from '@keystead/core'
import { expect, it } from 'vitest'
import type { Edge } from './context.ts'
import { quietly } from './quietly.ts'

const told: string[] = []
const edge = { ports: { onEvent: ({ text }: { text: string }) => told.push(text) } } as unknown as Edge
const failing = (error: unknown) => quietly(edge, () => Promise.reject(error), 'otherwise')

it('what others are to blame for is told and stops nothing', async () => {
  expect(await failing(new KeysteadError('AGENCY_UNREACHABLE', 'nobody answers'))).toBe('otherwise')
  expect(told).toEqual(['nobody answers'])
})

it.each(['WALLET_LOCKED', 'WALLET_CORRUPT', 'DISK_FULL', 'STORE_FAILED'])('%s stops the whole wallet', async (code) => {
  const error = new KeysteadError(code, 'of the wallet')
  await expect(failing(error)).rejects.toBe(error)
})

it.each([
  ['a fault of ours', new TypeError('of ours')],
  ['one of the platform’s, which has a code too', Object.assign(new Error('no such file'), { code: 'ENOENT' })],
])('%s is no trouble that passes', async (_, error) => {
  await expect(failing(error)).rejects.toBe(error)
})
