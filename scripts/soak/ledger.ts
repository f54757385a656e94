/**
 * A ledger node on the embedded engine under steady load: DIDs are updated in envelopes and resolved over HTTP, by processes
 * apart. Memory must be flat after the warm-up; what LMDB maps from its file is the system's cache, and not counted.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeKeyProvider } from '@keystead/crypto/node'
import { encodeSubmission, type Submission } from '@keystead/did-dkms'
import { encodeEnvelope } from '@keystead/ledger'
import { startServer } from '../../bench/servers/start.ts'
import { Owner } from '../../packages/did-dkms/src/testing/owner.ts'
import type { Soaked } from '../soak.ts'
import { growthAfterWarmUp, MAX_GROWTH, type Sample as MemorySample, residentMemory } from './memory.ts'

/** Half of what two cores do, with room for the client beside. */
const OPERATIONS_A_SECOND = 300
const RESOLUTIONS_A_SECOND = 200
/** Each DID may change only so often. */
const OWNERS = 6_000
const ENVELOPE = 30
const SAMPLE_SECONDS = 5
interface Sample extends MemorySample {
  readonly operations: number
  readonly resolutions: number
}

export async function soakLedger(minutes: number, say: (line: string) => void): Promise<Soaked> {
  const folder = mkdtempSync(join(tmpdir(), 'keystead-soak-'))
  const server = await startServer<{ url: string; net: string }>('ledger', folder)
  const { url, net } = server.ready
  const failures: string[] = []
  const times: number[] = []
  const samples: Sample[] = []
  let operations = 0
  let resolutions = 0
  try {
    const keys = nodeKeyProvider()
    const dids: Did[] = []
    for (let i = 0; i < OWNERS; i += ENVELOPE) {
      const made = await Promise.all(Array.from({ length: ENVELOPE }, () => newDid(keys, net)))
      await submit(
        url,
        made.map(({ submission }) => submission),
      )
      dids.push(...made)
    }
    say(
      `${dids.length} DIDs; ${minutes} minutes at ${OPERATIONS_A_SECOND} operations and ${RESOLUTIONS_A_SECOND} resolutions a second`,
    )
    const began = performance.now()
    const seconds = (): number => (performance.now() - began) / 1000
    const end = minutes * 60
    const failed = (error: unknown): void => {
      if (failures.length < 10) failures.push(String(error instanceof Error ? error.message : error))
    }
    const write = async (): Promise<void> => {
      for (let next = 0; seconds() < end && failures.length === 0; next = (next + ENVELOPE) % dids.length) {
        const some = dids.slice(next, next + ENVELOPE)
        await submit(url, await Promise.all(some.map(updated)))
        operations += some.length
        await sleep(Math.max(0, (operations / OPERATIONS_A_SECOND - seconds()) * 1000))
      }
    }
    const read = async (): Promise<void> => {
      for (; seconds() < end && failures.length === 0; resolutions++) {
        const did = dids[(resolutions * 7919) % dids.length]?.submission.operation.did
        const asked = performance.now()
        const answer = await fetch(`${url}/1.0/identifiers/${did}`)
        await answer.arrayBuffer()
        if (answer.status !== 200) throw new Error(`a resolution answered ${answer.status}`)
        times.push(performance.now() - asked)
        if (times.length > 100_000) times.splice(0, 50_000)
        await sleep(Math.max(0, (resolutions / RESOLUTIONS_A_SECOND - seconds()) * 1000))
      }
    }
    const watch = async (): Promise<void> => {
      while (seconds() < end && failures.length === 0) {
        await sleep(SAMPLE_SECONDS * 1000)
        const megabytes = residentMemory(server.process.pid as number) / 1e6
        samples.push({ seconds: Math.round(seconds()), megabytes, operations, resolutions })
        if (samples.length % 12 === 0) say(`${Math.round(seconds() / 60)} min: ${megabytes.toFixed(0)} MB`)
      }
    }
    await Promise.all([write().catch(failed), read().catch(failed), watch().catch(failed)])
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  const growth = growthAfterWarmUp(samples, minutes)
  if (!(growth <= MAX_GROWTH)) failures.push(`memory grew by ${(growth * 100).toFixed(0)} % after the warm-up`)
  times.sort((a, b) => a - b)
  const at = (part: number): number => Number((times[Math.floor(times.length * part)] ?? 0).toFixed(2))
  const figures = {
    operations,
    resolutions,
    resolveMilliseconds: { p50: at(0.5), p99: at(0.99) },
    memory: {
      growthAfterWarmUp: Number(growth.toFixed(4)),
      target: MAX_GROWTH,
      megabytes: samples.map(({ seconds, megabytes }) => [seconds, Math.round(megabytes)]),
    },
  }
  return { figures, failures }
}

interface Did {
  readonly owner: Owner
  submission: Submission
}

async function newDid(keys: ReturnType<typeof nodeKeyProvider>, net: string): Promise<Did> {
  const owner = new Owner(keys, net, Math.floor(Date.now() / 1000) + 86_400)
  return { owner, submission: await owner.genesis() }
}

async function updated(did: Did): Promise<Submission> {
  const { operation, hash } = did.submission
  const state = { did: operation.did, seq: operation.seq, head: hash } as Parameters<Owner['update']>[0]
  did.submission = await did.owner.update(state)
  return did.submission
}

async function submit(url: string, submissions: readonly Submission[]): Promise<void> {
  const body = encodeEnvelope(submissions.map((submission) => encodeSubmission(submission)))
  const answer = await fetch(`${url}/v1/envelopes`, { method: 'POST', body })
  const { results } = (await answer.json()) as { results: { problem?: { detail: string } }[] }
  for (const { problem } of results) if (problem) throw new Error(problem.detail)
}
