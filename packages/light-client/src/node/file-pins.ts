/** The newest head that a server accepted, in a folder of its own: after a restart it still knows what it saw (rule 17). */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseJson } from '@keystead/core'
import { writeFileDurably } from '@keystead/crypto/key-file'
import { evidenceName } from '../evidence.ts'
import { MAX_PIN_BYTES } from '../limits.ts'
import { type PinStore, pinFromJson, pinToJson } from '../pin.ts'

/** Pieces of evidence kept: what a ledger does again and again needs no more proof. */
const MAX_EVIDENCE = 100
const EVIDENCE = 'ledger-evidence-'

/** `onEvidence` hears where a contradiction was put that had not been met before (PROOF-15). */
export function filePins(folder: string, onEvidence: (file: string) => void = () => {}): PinStore {
  const pinFile = join(folder, 'ledger-pin.json')
  const write = (file: string, value: object): void => {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeFileDurably(file, JSON.stringify(value))
  }
  return {
    load: async () =>
      existsSync(pinFile) ? pinFromJson(parseJson(new Uint8Array(readFileSync(pinFile)), MAX_PIN_BYTES)) : undefined,
    save: async (pin) => write(pinFile, pinToJson(pin)),
    keepEvidence: async (evidence) => {
      const kept = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(EVIDENCE)) : []
      const name = `${EVIDENCE}${evidenceName(evidence)}.json`
      if (kept.includes(name) || kept.length >= MAX_EVIDENCE) return
      write(join(folder, name), evidence)
      onEvidence(join(folder, name))
    },
  }
}
