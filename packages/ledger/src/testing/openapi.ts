/** An OpenAPI 3.1 file that answers are held to: documented path, method, status, media type and schema. */
import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { parse } from 'yaml'

interface Response {
  readonly $ref?: string
  readonly content?: Readonly<Record<string, unknown>>
}
type Operation = { readonly responses: Readonly<Record<string, Response>> }
export type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>

export interface Contract {
  readonly document: object
  readonly paths: Paths
  /** Throws what is wrong with an answer to `METHOD path`, the path as the file writes it. */
  hold(method: string, path: string, answer: { status: number; type: string | null; body: unknown }): void
}

const pointer = (...parts: string[]): string =>
  parts.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** `correct` is applied to the text before it is read. */
export function readContract(file: string, correct: (text: string) => string = (text) => text): Contract {
  const document = parse(correct(readFileSync(file, 'utf8')), { maxAliasCount: -1 }) as {
    paths: Paths
    components: { responses?: Record<string, Response> }
  }
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema(document, 'file:contract')
  return {
    document,
    paths: document.paths,
    hold: (method, path, { status, type, body }) => {
      const responses = document.paths[path]?.[method.toLowerCase()]?.responses
      const response = responses?.[status]
      if (!response) throw new Error(`${method} ${path}: the status ${status} is not described`)
      const shared = response.$ref?.split('/').at(-1)
      const { content } = shared === undefined ? response : (document.components.responses?.[shared] ?? {})
      if (!content) return
      const media = (type ?? '').split(';')[0] as string
      if (!Object.hasOwn(content, media)) throw new Error(`${method} ${path}: ${status} as ${media} is not described`)
      if (!('schema' in (content[media] as object))) return
      const place =
        shared === undefined
          ? pointer('paths', path, method.toLowerCase(), 'responses', String(status), 'content', media, 'schema')
          : pointer('components', 'responses', shared, 'content', media, 'schema')
      const validate = ajv.compile({ $ref: `file:contract#${place}` })
      if (!validate(body)) throw new Error(`${method} ${path} ${status}: ${ajv.errorsText(validate.errors)}`)
    },
  }
}
