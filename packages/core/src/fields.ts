/**
 * Closed schemas in a few words. A `Fields` reader takes each member of an object once, checks it, and `end()` refuses
 * whatever was not taken. Parsers read like the grammar they implement.
 */
import { type CoreErrorCode, KeysteadError } from './errors.ts'
import type { Json, JsonObject } from './json.ts'

export class Fields {
  readonly #value: JsonObject
  readonly #path: string
  /** A dozen names at most: sooner looked through than hashed. */
  readonly #taken: string[] = []

  /** Throws `BAD_FIELD` unless `value` is a plain object. */
  constructor(value: unknown, path = '$') {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) fail(path, 'must be an object')
    this.#value = value as JsonObject
    this.#path = path
  }

  get path(): string {
    return this.#path
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#value, name)
  }

  /** The member as it stands. Throws `BAD_FIELD` when absent. */
  any(name: string): Json {
    this.#taken.push(name)
    if (!this.has(name)) fail(`${this.#path}.${name}`, 'is missing')
    return this.#value[name] as Json
  }

  optional<T>(name: string, read: (fields: this, name: string) => T): T | undefined {
    return this.has(name) ? read(this, name) : undefined
  }

  string(name: string, rule: { max: number; min?: number; pattern?: RegExp }): string {
    const value = this.any(name)
    if (typeof value !== 'string') return this.#fail(name, 'must be a string')
    if (value.length < (rule.min ?? 0) || value.length > rule.max)
      this.#fail(name, `must have ${rule.min ?? 0} to ${rule.max} characters`)
    if (rule.pattern && !rule.pattern.test(value)) this.#fail(name, 'has the wrong form')
    return value
  }

  integer(name: string, rule: { min: number; max: number }): number {
    const value = this.any(name)
    if (!Number.isSafeInteger(value) || (value as number) < rule.min || (value as number) > rule.max)
      fail(`${this.#path}.${name}`, `must be an integer from ${rule.min} to ${rule.max}`)
    return value as number
  }

  boolean(name: string): boolean {
    const value = this.any(name)
    if (typeof value !== 'boolean') fail(`${this.#path}.${name}`, 'must be true or false')
    return value
  }

  literal<const T extends string | number | boolean>(name: string, ...allowed: readonly T[]): T {
    const value = this.any(name)
    if (!(allowed as readonly Json[]).includes(value))
      fail(`${this.#path}.${name}`, `must be one of ${allowed.join(', ')}`)
    return value as T
  }

  array<T>(name: string, rule: { min?: number; max: number }, read: (item: Json, path: string) => T): T[] {
    const value = this.any(name)
    const path = `${this.#path}.${name}`
    if (!Array.isArray(value)) fail(path, 'must be an array')
    if (value.length < (rule.min ?? 0) || value.length > rule.max)
      fail(path, `must have ${rule.min ?? 0} to ${rule.max} items`)
    return value.map((item, index) => read(item as Json, `${path}[${index}]`))
  }

  object(name: string): Fields {
    return new Fields(this.any(name), `${this.#path}.${name}`)
  }

  /** A member that is an object, of whatever content. */
  json(name: string): JsonObject {
    const value = this.any(name)
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      fail(`${this.#path}.${name}`, 'must be an object')
    return value as JsonObject
  }

  /** A member that an own decoder reads from text, such as `base64url.decode`. */
  decoded<T>(name: string, max: number, decode: (text: string) => T): T {
    const text = this.string(name, { max })
    try {
      return decode(text)
    } catch {
      return fail(`${this.#path}.${name}`, 'has the wrong form')
    }
  }

  #fail(name: string, rule: string): never {
    return fail(`${this.#path}.${name}`, rule)
  }

  /** Throws `UNKNOWN_FIELD` when the object has a member nobody read. */
  end(): void {
    for (const name of Object.keys(this.#value))
      if (!this.#taken.includes(name))
        throw new KeysteadError<CoreErrorCode>(
          'UNKNOWN_FIELD',
          `${this.#path} has the unknown member "${name.slice(0, 64)}"`,
        )
  }
}

/** Throws `BAD_FIELD` naming the place. */
export function fail(path: string, rule: string): never {
  throw new KeysteadError<CoreErrorCode>('BAD_FIELD', `${path} ${rule}`, { details: { path } })
}
