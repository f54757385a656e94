/**
 * Options of a resolution (DID Resolution, "DID Resolution Options"). Text from URLs and JSON from bodies parse to the same
 * value; what is unknown is `FEATURE_NOT_SUPPORTED`, what is malformed `INVALID_OPTIONS`.
 */
import { type Json, KeysteadError } from '@keystead/core'
import type { DidErrorCode } from './errors.ts'
import { MAX_OPTION_LENGTH } from './limits.ts'

export interface ResolutionOptions {
  /** Media type of the document, as an HTTP `Accept` header has it. */
  readonly accept?: string
  readonly versionId?: string
  /** UTC, whole seconds: `2026-01-31T12:00:00Z`. */
  readonly versionTime?: string
  readonly expandRelativeUrls?: boolean
  /** Nothing that we resolve is cached; accepted so that others' clients need not know that. */
  readonly noCache?: boolean
}

const TEXTS = ['accept', 'versionId', 'versionTime'] as const
const FLAGS = ['expandRelativeUrls', 'noCache'] as const

/** `true` and `"true"` are the same flag. Throws `INVALID_OPTIONS` or `FEATURE_NOT_SUPPORTED`. */
export function parseResolutionOptions(value: Readonly<Record<string, Json | undefined>>): ResolutionOptions {
  const options: Record<string, string | boolean> = {}
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue
    if ((TEXTS as readonly string[]).includes(name)) options[name] = textOption(name, member)
    else if ((FLAGS as readonly string[]).includes(name)) options[name] = flagOption(name, member)
    else throw new KeysteadError<DidErrorCode>('FEATURE_NOT_SUPPORTED', `the option ${name.slice(0, 40)} is not known`)
  }
  return checkOptions(options)
}

/** Throws `INVALID_OPTIONS`. */
export function checkOptions(options: ResolutionOptions): ResolutionOptions {
  if (options.versionId !== undefined && options.versionTime !== undefined)
    throw invalid('versionId and versionTime exclude each other')
  if (options.versionTime !== undefined) secondsOf(options.versionTime)
  return options
}

/** Seconds since 1970 of a datetime as DID Resolution has it ("Datetime"). Throws `INVALID_OPTIONS`. */
export function secondsOf(time: string): number {
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(time) ? Date.parse(time) : Number.NaN
  if (Number.isNaN(at)) throw invalid('versionTime must be like 2026-01-31T12:00:00Z')
  return at / 1000
}

function textOption(name: string, member: Json): string {
  if (typeof member !== 'string' || member === '' || member.length > MAX_OPTION_LENGTH)
    throw invalid(`${name} must be text`)
  return member
}

function flagOption(name: string, member: Json): boolean {
  if (member === true || member === 'true') return true
  if (member === false || member === 'false') return false
  throw invalid(`${name} must be true or false`)
}

function invalid(message: string): KeysteadError<DidErrorCode> {
  return new KeysteadError('INVALID_OPTIONS', message)
}
