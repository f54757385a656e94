/** What light clients ask (`spec/ledger-http.md`): proofs in their compact form, light blocks, and how the log grew. */
import { concatBytes, KeysteadError } from '@keystead/core'
import { parseDkmsDid } from '@keystead/did-dkms'
import { encodeBundle, encodeHeadProof, encodeLightBlock, type Head, trimCommit } from '@keystead/light-client'
import type { Context, Hono } from 'hono'
import type { Ledger } from '../engine/ledger.ts'
import type { LedgerErrorCode } from '../errors.ts'
import { proveConsistency } from '../state/log-tree.ts'
import { hashesOf } from '../state/store.ts'
import { consistencyProof, readBundle } from './read.ts'

export function lightRoutes(app: Hono, ledger: Ledger, { freshSeconds }: { readonly freshSeconds: number }): void {
  app.get('/v1/proofs/:did', async (c) => {
    const { did } = parseDkmsDid(c.req.param('did'))
    await ledger.refresh(freshSeconds)
    const bundle = readBundle(ledger.view(), did, consistencyFrom(c))
    return bytes(c, encodeBundle({ ...bundle, head: await trimmed(ledger, bundle.head) }))
  })

  app.get('/v1/head', async (c) => {
    await ledger.refresh(freshSeconds)
    const view = ledger.view()
    const consistency = consistencyProof(view, consistencyFrom(c))
    const head = await trimmed(ledger, view.head)
    return bytes(c, encodeHeadProof({ head, ...(consistency ? { consistency } : {}) }))
  })

  app.get('/v1/light-blocks/:height', async (c) => {
    const block = await ledger.lightBlock(number(c.req.param('height')))
    if (!block) throw new KeysteadError<LedgerErrorCode>('NOT_FOUND', 'this block is not here')
    return bytes(c, encodeLightBlock(block))
  })

  app.get('/v1/consistency/:from/:to', (c) => {
    const [from, to] = [number(c.req.param('from')), number(c.req.param('to'))]
    const { head, store } = ledger.view()
    if (from > to || to > head.logSize)
      throw new KeysteadError<LedgerErrorCode>('NOT_FOUND', 'the log is not that long')
    return bytes(c, concatBytes(...proveConsistency(hashesOf(store), from, to)))
  })
}

/** Log size of the asker's pin, from the query. */
export function consistencyFrom(c: Context): number | undefined {
  const text = c.req.query('consistencyFrom')
  return text !== undefined && /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : undefined
}

/** Votes beyond two thirds cost every reader bytes and time, and prove nothing more. */
async function trimmed(ledger: Ledger, head: Head): Promise<Head> {
  const signers = head.commit.signatures.filter(({ flag }) => flag === 'commit').length
  if (signers === 1) return head
  const block = await ledger.lightBlock(head.header.height)
  return block ? { ...head, commit: trimCommit(head.commit, block.validators) } : head
}

function number(text: string): number {
  if (!/^(0|[1-9]\d{0,14})$/.test(text))
    throw new KeysteadError<LedgerErrorCode>('NOT_FOUND', 'heights and sizes are plain numbers')
  return Number(text)
}

function bytes(c: Context, content: Uint8Array<ArrayBuffer>): Response {
  return c.body(content, 200, { 'content-type': 'application/octet-stream' })
}
