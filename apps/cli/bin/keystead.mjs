#!/usr/bin/env node
// `npx keystead`: runs the command-line wallet with Node 24 through the launcher.
import { realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(realpathSync(fileURLToPath(import.meta.url)))
process.argv.splice(2, 0, join(here, '..', 'src', 'main.ts'))
await import(join(here, '..', '..', '..', 'scripts', 'node24.mjs'))
