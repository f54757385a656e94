/** One command at a time installs the npm packages, however the others end. A stand-in for npm says when it runs. */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'

const scripts = fileURLToPath(new URL('.', import.meta.url))
let clone: string
let log: string

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'keystead-clone-'))
  log = join(clone, 'log')
  mkdirSync(join(clone, 'scripts'))
  for (const file of ['node24.mjs', 'install.mjs']) cpSync(join(scripts, file), join(clone, 'scripts', file))
  writeFileSync(join(clone, 'package.json'), '{}')
  writeFileSync(join(clone, 'package-lock.json'), 'one')
  appendFileSync(log, '')
  // As `npm ci` does it: the folder goes first, and comes back after a while.
  writeFileSync(
    join(clone, 'npm.js'),
    `const fs = require('node:fs')
     const say = (text) => fs.appendFileSync(${JSON.stringify(log)}, text + '\\n')
     say('begin')
     fs.rmSync('node_modules', { recursive: true, force: true })
     setTimeout(() => { fs.mkdirSync('node_modules', { recursive: true }); say('end') }, 1500)`,
  )
  writeFileSync(join(clone, 'task.mjs'), "console.log('ran')")
})

afterEach(() => rmSync(clone, { recursive: true, force: true }))

interface Command {
  readonly child: ChildProcess
  readonly done: Promise<{ output: string; notes: string }>
}

function command(): Command {
  const child = spawn(process.execPath, [join(clone, 'scripts', 'node24.mjs'), join(clone, 'task.mjs')], {
    env: { ...process.env, npm_execpath: join(clone, 'npm.js') },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [output, notes] = ['', '']
  child.stdout.on('data', (data: Buffer) => {
    output += data
  })
  child.stderr.on('data', (data: Buffer) => {
    notes += data
  })
  return { child, done: new Promise((resolve) => child.once('close', () => resolve({ output, notes }))) }
}

const logged = (): string[] => readFileSync(log, 'utf8').split('\n').filter(Boolean)

it('of commands started at once one installs, the others wait and say so, and all of them run', async () => {
  const all = await Promise.all([command(), command(), command()].map(({ done }) => done))
  expect(all.map(({ output }) => output)).toEqual(['ran\n', 'ran\n', 'ran\n'])
  expect(logged()).toEqual(['begin', 'end'])
  expect(all.filter(({ notes }) => notes.includes('Installing npm packages'))).toHaveLength(1)
  expect(all.filter(({ notes }) => notes.includes('waiting for it'))).toHaveLength(2)
  expect((await command().done).notes).toBe('')
})

it('after kill -9 of the one that installs, the next waits for the npm it left, and installs anew', async () => {
  const first = command()
  while (!logged().includes('begin')) await sleep(20)
  const second = command()
  first.child.kill('SIGKILL')
  const { output, notes } = await second.done
  expect(output).toBe('ran\n')
  expect(notes).toContain('lost its command')
  expect(logged()).toEqual(['begin', 'end', 'begin', 'end'])
  expect(existsSync(join(clone, 'node_modules', '.keystead-installed'))).toBe(true)
})

it('what was left behind by a machine that went down keeps nobody waiting', async () => {
  const first = command()
  while (!logged().includes('begin')) await sleep(20)
  first.child.kill('SIGKILL')
  while (!logged().includes('end')) await sleep(20)
  expect((await command().done).output).toBe('ran\n')
})
