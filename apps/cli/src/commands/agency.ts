/** For whoever runs an agency: its accounts, their room, its backups. Asks the running agency over its Unix socket. */
import { copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { request } from 'node:http'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Fields, type JsonObject, KeysteadError } from '@keystead/core'
import type { Command } from 'commander'
import { action, type Run } from '../run.ts'

const DEFAULT_DATA = process.env['KEYSTEAD_AGENCY_DATA'] ?? '.keystead/agency'

interface Options {
  readonly data: string
  readonly socket?: string
}

export function agencyCommands(program: Command): void {
  const agency = program.command('agency').description('look after an agency that runs on this machine')
  const data = ['--data <folder>', 'the agency’s folder', DEFAULT_DATA] as const
  const socket = ['--socket <path>', 'its admin socket (default: admin.sock in the folder)'] as const
  const command = (name: string, description: string): Command =>
    agency
      .command(name)
      .description(description)
      .option(...data)
      .option(...socket)

  command('tenants', 'its accounts, under names that only it knows, and the room they take').action(
    action(program, tenants),
  )
  command('quota', 'give an account room for so many messages and bytes')
    .argument('<tenant>', 'as "agency tenants" shows it')
    .argument('<messages>')
    .argument('<bytes>')
    .option('--attachments <bytes>', 'room for attached files')
    .action(action(program, quota))
  command('suspend', 'answer an account no more; what waits for it is kept')
    .argument('<tenant>')
    .action(action(program, (run, id: string, options: Options) => decide(run, id, 'suspend', options)))
  command('resume', 'answer it again')
    .argument('<tenant>')
    .action(action(program, (run, id: string, options: Options) => decide(run, id, 'resume', options)))
  command('export', 'what is kept for an account, as JSON: routes and ciphertext')
    .argument('<tenant>')
    .action(action(program, export_))
  command('backup', 'copy the database of the running agency into a new file (SQLite)')
    .argument('<file>')
    .action(action(program, backup))
  agency
    .command('restore')
    .description('put a backup into the folder of an agency that is stopped and has no database there')
    .argument('<file>')
    .option(...data)
    .action(action(program, restore))
}

async function tenants(run: Run, options: Options): Promise<void> {
  const answer = await ask(options, 'GET', '/tenants')
  const list = answer['tenants'] as JsonObject[]
  run.out.result(
    list.length === 0
      ? 'No accounts.'
      : list
          .map(
            (t) =>
              `${t['id']}  ${t['messages']}/${t['maxMessages']} messages, ${t['bytes']}/${t['maxBytes']} bytes, ` +
              `${t['recipients']} DIDs, ${t['backupBytes']} bytes of backups, ` +
              `${t['attachments']} files of ${t['attachmentBytes']} bytes attached` +
              `${t['suspended'] ? '  suspended' : ''}  ${(t['services'] as string[]).join(',')}`,
          )
          .join('\n'),
    answer,
  )
}

async function quota(
  run: Run,
  id: string,
  messages: string,
  bytes: string,
  options: Options & { readonly attachments?: string },
): Promise<void> {
  const { attachments } = options
  const body = {
    messages: whole('messages', messages),
    bytes: whole('bytes', bytes),
    ...(attachments === undefined ? {} : { attachmentBytes: whole('attachments', attachments) }),
  }
  const tenant = await ask(options, 'POST', `/tenants/${encodeURIComponent(id)}/quota`, body)
  run.out.result(`${id} may leave ${tenant['maxMessages']} messages and ${tenant['maxBytes']} bytes.`, tenant)
}

async function decide(run: Run, id: string, what: 'suspend' | 'resume', options: Options): Promise<void> {
  const tenant = await ask(options, 'POST', `/tenants/${encodeURIComponent(id)}/${what}`)
  run.out.result(tenant['suspended'] ? `${id} is suspended.` : `${id} is answered.`, tenant)
}

async function export_(run: Run, id: string, options: Options): Promise<void> {
  const exported = await ask(options, 'GET', `/tenants/${encodeURIComponent(id)}/export`)
  run.out.result(JSON.stringify(exported, undefined, 2), exported)
}

async function backup(run: Run, file: string, options: Options): Promise<void> {
  if (existsSync(file)) throw new KeysteadError('FILE_EXISTS', `${file} is there already`)
  const done = await ask(options, 'POST', '/backup', { file: resolve(file) })
  run.out.result(`The database is in ${file}. The agency's key file is not: keep agency-keys.json elsewhere.`, done)
}

async function restore(run: Run, file: string, { data }: Options): Promise<void> {
  const target = join(data, 'agency.sqlite')
  if (existsSync(target)) throw new KeysteadError('FILE_EXISTS', `${target} is there already: move it away first`)
  check(file)
  mkdirSync(data, { recursive: true, mode: 0o700 })
  copyFileSync(file, target)
  const keys = existsSync(join(data, 'agency-keys.json'))
  const missing = keys ? '' : ' Put agency-keys.json beside it, or the agency gets a new DID and its clients lose it.'
  run.out.result(`${target} is restored.${missing}`, { file: target, keys })
}

/** Rejects what is no whole database of an agency. */
function check(file: string): void {
  if (!existsSync(file)) throw new KeysteadError('NOT_A_BACKUP', `${file} is not there`)
  try {
    const database = new DatabaseSync(file, { readOnly: true })
    const integrity = database.prepare('pragma integrity_check').get()
    const version = database.prepare('select version from schema_version').get()
    database.close()
    if (integrity?.['integrity_check'] === 'ok' && Number(version?.['version']) > 0) return
  } catch {
    // said below
  }
  throw new KeysteadError('NOT_A_BACKUP', `${file} is no backup of an agency, or it is damaged`)
}

function whole(name: string, text: string): number {
  if (!/^\d{1,13}$/.test(text)) throw new KeysteadError('BAD_FIELD', `${name} must be a whole number`)
  return Number(text)
}

/** One question to the agency. Rejects with its code, or `AGENCY_UNREACHABLE`. */
function ask({ data, socket }: Options, method: string, path: string, body?: JsonObject): Promise<JsonObject> {
  const socketPath = socket ?? join(data, 'admin.sock')
  return new Promise((resolve_, reject) => {
    const asked = request({ socketPath, method, path, headers: { 'content-type': 'application/json' } }, (answer) => {
      const parts: Buffer[] = []
      answer.on('data', (part: Buffer) => parts.push(part))
      answer.on('error', reject)
      answer.on('end', () => {
        const value = JSON.parse(Buffer.concat(parts).toString()) as JsonObject
        if (answer.statusCode === 200) return resolve_(value)
        const f = new Fields(value, 'answer')
        reject(new KeysteadError(f.string('code', { max: 64 }), f.string('detail', { max: 2000 })))
      })
    })
    asked.on('error', (cause) =>
      reject(new KeysteadError('AGENCY_UNREACHABLE', `no agency answers at ${socketPath}`, { cause })),
    )
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
