import type { Json } from '@keystead/core'
import { describe, expect, test } from 'vitest'
import { parseReaderSettings, readerSettingsToJson } from './settings.ts'
import { formatNoteKey, NOTE_COSIGNATURE, NOTE_ED25519 } from './witness/note.ts'

const keyOf = (name: string, byte: number, type: typeof NOTE_COSIGNATURE | typeof NOTE_ED25519 = NOTE_COSIGNATURE) =>
  formatNoteKey({ name, type, publicKey: new Uint8Array(32).fill(byte) })
const [one, two] = [keyOf('w.example/1', 1), keyOf('w.example/2', 2)]

describe('WITNESS-4, PROOF-13: what a reader demands, as configurations write it', () => {
  test('survives writing and reading, and says as much as it must', () => {
    const json = { otherNodes: ['http://two'], witnesses: { keys: [one, two], threshold: 2, maxAge: 300 } }
    expect(readerSettingsToJson(parseReaderSettings(json))).toEqual(json)
    expect(parseReaderSettings({})).toEqual({})
    expect(parseReaderSettings({ witnesses: { keys: [one], threshold: 1 } }).witnessPolicy?.maxAge).toBe(600)
    expect(parseReaderSettings({ otherNodes: ['https://two/'] })).toEqual({ otherNodes: ['https://two'] })
  })

  test.each<[string, Json, string]>([
    ['more demanded than there are', { witnesses: { keys: [one], threshold: 2 } }, 'BAD_FIELD'],
    ['nothing demanded', { witnesses: { keys: [one], threshold: 0 } }, 'BAD_FIELD'],
    ['no witness', { witnesses: { keys: [], threshold: 1 } }, 'BAD_FIELD'],
    ['one key under two names', { witnesses: { keys: [one, keyOf('other', 1)], threshold: 2 } }, 'BAD_FIELD'],
    ['a key of a log', { witnesses: { keys: [keyOf('log', 3, NOTE_ED25519)], threshold: 1 } }, 'BAD_FIELD'],
    ['no key', { witnesses: { keys: ['w.example'], threshold: 1 } }, 'BAD_CHECKPOINT'],
    ['no URL', { otherNodes: ['two'] }, 'BAD_FIELD'],
    ['a URL of another kind', { otherNodes: ['file:///two'] }, 'BAD_FIELD'],
    ['a node twice', { otherNodes: ['http://two', 'http://two/'] }, 'BAD_FIELD'],
    ['an unknown member', { nodes: [] }, 'UNKNOWN_FIELD'],
  ])('%s is refused', (_, json, code) => {
    expect(() => parseReaderSettings(json)).toThrow(expect.objectContaining({ code }))
  })
})
