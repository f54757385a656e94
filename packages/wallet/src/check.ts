/** Whether everything stored opens, lies where it belongs and is found by its own tokens (VAULT-7). */
import { parseJson } from '@keystead/core'
import { parseAuditEntry } from './audit.ts'
import { corrupt } from './errors.ts'
import { openEntry } from './key-entry.ts'
import { MAX_RECORD_BYTES } from './limits.ts'
import { listTokens, openRecord, recordId } from './record.ts'
import type { NewRecord, StoredRecord } from './store.ts'
import type { CheckResult } from './types.ts'
import type { VaultKeys } from './vault-keys.ts'

/** `index`: by which tokens each record is found now. */
export function checkStored(
  keys: VaultKeys,
  rows: readonly StoredRecord[],
  index: ReadonlyMap<string, readonly string[]>,
): CheckResult {
  const damaged: CheckResult['damaged'][number][] = []
  const unfindable: string[] = []
  let ring = 0
  for (const row of rows) {
    const { id, segment } = row
    try {
      const { tokens, isKey } = belonging(keys, row)
      if (isKey) ring++
      if (!sameTokens(tokens, index.get(id) ?? [])) unfindable.push(id)
    } catch {
      damaged.push({ id, segment })
    }
  }
  const ids = new Set(rows.map(({ id }) => id))
  unfindable.push(...[...index.keys()].filter((id) => !ids.has(id)))
  return { records: rows.length - ring, keys: ring, damaged, unfindable }
}

/** What opens, sealed anew with its own tokens: for an index that is made anew. */
export function resealed(keys: VaultKeys, rows: readonly StoredRecord[], generation: number): NewRecord[] {
  return rows.flatMap((row) => {
    try {
      const { tokens } = belonging(keys, row)
      const { id, segment } = row
      return [keys.seal({ id, segment, generation, tokens }, keys.open(row))]
    } catch {
      return []
    }
  })
}

/** Throws `WALLET_CORRUPT` for what does not open, or lies under a name that is not its own. */
function belonging(keys: VaultKeys, row: StoredRecord): { tokens: readonly string[]; isKey: boolean } {
  if (row.segment === 'keys') {
    const content = keys.open(row)
    if (row.id === keys.token('audit-head') || row.id === keys.token('access')) return { tokens: [], isKey: false }
    const value = parseJson(content, MAX_RECORD_BYTES) as { readonly [name: string]: unknown }
    if ('keyId' in value) {
      openEntry(keys, row)
      return { tokens: [keys.token('all-keys')], isKey: true }
    }
    if ('prev' in value) {
      const { n } = parseAuditEntry(value)
      if (row.id !== keys.token('audit', String(n))) corrupt('an entry of its audit log lies under another name')
      return { tokens: [keys.token('all-audit')], isKey: false }
    }
  }
  const { category, name, tags } = openRecord(keys, row)
  if (recordId(keys, category, name) !== row.id) corrupt('a record lies under another name')
  return { tokens: listTokens(keys, category, tags), isKey: false }
}

const sameTokens = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((token) => b.includes(token))
