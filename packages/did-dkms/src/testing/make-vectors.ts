/** Makes `vectors/did-dkms` anew, with the keys of each drawing: `node scripts/node24.mjs packages/did-dkms/src/testing/make-vectors.ts`. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { bodyHash } from '../body.ts'
import { Chain } from './chain.ts'
import { DRAWINGS } from './drawings/index.ts'
import { readingOf } from './reading.ts'
import { documentAfter, isRefused, NET, type Vector } from './vectors.ts'

const folder = fileURLToPath(new URL('../../../../vectors/did-dkms', import.meta.url))
const provider = nodeKeyProvider()

rmSync(folder, { recursive: true, force: true })
for (const drawing of DRAWINGS) {
  const { rule, title, log, document, read: asked } = drawing
  const chain = await new Chain(provider, `${rule} ${title}`).draw(log, drawing)
  const vector: Vector = {
    rule,
    title,
    net: NET,
    parameters: chain.parameters,
    steps: chain.steps,
    ...(document ? { document: documentAfter(chain.state, chain.bodies, bodyHash) } : {}),
    ...(asked ? { reading: readingOf(chain, asked) } : {}),
  }
  const kind = isRefused(vector) ? 'invalid' : 'valid'
  const name = title
    .replaceAll(/[^a-z0-9]+/gi, '-')
    .replaceAll(/^-|-$/g, '')
    .toLowerCase()
    .slice(0, 60)
  const file = join(folder, kind, `${rule}-${name}.json`)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(vector)}\n`)
}
