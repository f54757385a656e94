/** The newest head that the agency accepted, in its folder: after a restart it still knows what it saw (rule 17). */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseJson } from '@keystead/core'
import { writeFileDurably } from '@keystead/crypto/key-file'
import { type PinStore, pinFromJson, pinToJson } from '@keystead/light-client'

/** Bytes of a pin with 128 validators. */
const MAX_PIN_BYTES = 1024 * 1024

export function filePins(folder: string): PinStore {
  const file = join(folder, 'ledger-pin.json')
  const write = (name: string, value: object): void => {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeFileDurably(name, JSON.stringify(value))
  }
  return {
    load: async () =>
      existsSync(file) ? pinFromJson(parseJson(new Uint8Array(readFileSync(file)), MAX_PIN_BYTES)) : undefined,
    save: async (pin) => write(file, pinToJson(pin)),
    keepEvidence: async (evidence) => {
      const name = join(folder, `ledger-evidence-${Date.now()}.json`)
      write(name, evidence)
      console.log(`agency the ledger contradicts itself: the evidence is in ${name}`)
    },
  }
}
