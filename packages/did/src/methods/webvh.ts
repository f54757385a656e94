/** did:webvh 1.0 (https://identity.foundation/didwebvh/v1.0/): a log on the web that proves itself from its first entry on. */
import { KeysteadError, utf8Decode } from '@keystead/core'
import { parseDid } from '../did.ts'
import { type DidDocument, parseDidDocument } from '../document.ts'
import type { DidErrorCode } from '../errors.ts'
import { MAX_WEBVH_LOG_BYTES, MAX_WEBVH_WITNESS_BYTES } from '../limits.ts'
import type { ResolutionOptions } from '../options.ts'
import { type ResolutionResult, resolved, unresolved, type VersionedMethod } from '../resolution.ts'
import { chooseVersion, versionMetadata } from '../versions.ts'
import type { WebFetch } from '../web-fetch.ts'
import { webLocation } from '../web-location.ts'
import { verifyLog, type WebvhVersion } from './webvh-log.ts'
import { verifyWitnesses } from './webvh-witness.ts'

/** `now`: seconds since 1970. */
export function webvhResolver(fetch: WebFetch, now: () => number): VersionedMethod {
  return {
    versions: true,
    resolve: async (did, options) => {
      const base = webvhBase(did)
      const log = await fetch(`${base}/did.jsonl`, MAX_WEBVH_LOG_BYTES)
      if (!log) return unresolved('NOT_FOUND', 'the host has no log for this DID')
      const witnesses = await fetch(`${base}/did-witness.json`, MAX_WEBVH_WITNESS_BYTES)
      const files = { log: utf8Decode(log), witnesses: witnesses && utf8Decode(witnesses), now: now() }
      return resolveWebvh(did, files, options)
    },
  }
}

/** As the resolver, of files that are at hand. Throws `INVALID_DID` for whatever does not hold. */
export function resolveWebvh(
  did: string,
  files: { log: string; witnesses?: string | undefined; now: number },
  options: ResolutionOptions = {},
): ResolutionResult {
  webvhBase(did)
  const log = verifyLog(files.log, files.now)
  verifyWitnesses(log, files.witnesses)
  const last = log.at(-1)
  if (last?.state['id'] !== did) throw invalid('the log is of another DID')
  const versions = log.map(({ versionId, time }) => ({ versionId, time: Date.parse(time) / 1000 }))
  const place = chooseVersion(versions, options)
  const version = log[place]
  if (!version) return unresolved('NOT_FOUND', 'the log has no such version')
  const metadata = {
    ...versionMetadata(versions, place),
    versionNumber: place + 1,
    versionTime: version.time,
    // The end of a DID is the end of all its versions (did:webvh 1.0, "Deactivate (Revoke)").
    ...(last.parameters.deactivated ? { deactivated: true } : {}),
  }
  const level = last.witnessedBy ? 'log+witnessed' : 'log'
  return resolved(documentOf(String(version.state['id']), version), level, metadata)
}

/** The folder of the log: HTTPS, without a trailing slash. Throws `INVALID_DID`. */
function webvhBase(did: string): string {
  const { method, id } = parseDid(did)
  const [scid = '', ...parts] = id.split(':')
  if (method !== 'webvh' || !/^Qm[1-9A-HJ-NP-Za-km-z]{44}$/.test(scid)) throw invalid('it has no SCID')
  const { origin, path } = webLocation(parts)
  return path === '' ? `${origin}/.well-known` : `${origin}/${path}`
}

/** With the two services every DID of this method has unless its document says otherwise. */
function documentOf(did: string, { state }: WebvhVersion): DidDocument {
  const document = parseDidDocument(state)
  const { origin, path } = webLocation(parseDid(did).id.split(':').slice(1))
  const folder = path === '' ? origin : `${origin}/${path}`
  const has = (fragment: string): boolean => (document.service ?? []).some(({ id }) => id.endsWith(fragment))
  const service = [
    ...(document.service ?? []),
    ...(has('#files') ? [] : [{ id: '#files', type: 'relativeRef', serviceEndpoint: folder }]),
    ...(has('#whois')
      ? []
      : [
          {
            '@context': 'https://identity.foundation/linked-vp/contexts/v1',
            id: '#whois',
            type: 'LinkedVerifiablePresentation',
            serviceEndpoint: `${folder}/whois.vp`,
          },
        ]),
  ]
  return { ...document, service } as DidDocument
}

function invalid(reason: string): KeysteadError<DidErrorCode> {
  return new KeysteadError('INVALID_DID', `this did:webvh does not hold: ${reason}`)
}
