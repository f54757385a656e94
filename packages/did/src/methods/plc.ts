/** did:plc (https://web.plc.directory/spec/v0.1/did-plc): the directory's audit log, believed as far as it proves itself. */
import { type Json, KeysteadError, parseJson } from '@keystead/core'
import { parseDid } from '../did.ts'
import { type DidDocument, parseDidDocument } from '../document.ts'
import type { DidErrorCode } from '../errors.ts'
import { MAX_PLC_LOG_BYTES } from '../limits.ts'
import type { ResolutionOptions } from '../options.ts'
import { type ResolutionResult, resolved, unresolved, type VersionedMethod } from '../resolution.ts'
import { chooseVersion, versionMetadata } from '../versions.ts'
import type { WebFetch } from '../web-fetch.ts'
import { MULTIKEY_CONTEXT } from './key.ts'
import { verifyPlcLog } from './plc-log.ts'
import type { PlcData } from './plc-operation.ts'

export const PLC_DIRECTORY = 'https://plc.directory'

export function plcResolver(fetch: WebFetch, directory = PLC_DIRECTORY): VersionedMethod {
  return {
    versions: true,
    resolve: async (did, options) => {
      checkPlcDid(did)
      const bytes = await fetch(`${directory}/${did}/log/audit`, MAX_PLC_LOG_BYTES)
      if (!bytes) return unresolved('NOT_FOUND', 'the directory has no such DID')
      return resolvePlc(did, parseJson(bytes, MAX_PLC_LOG_BYTES), options)
    },
  }
}

/** As the resolver, of an audit log that is at hand. Throws `INVALID_DID` for whatever does not hold. */
export function resolvePlc(did: string, log: Json, options: ResolutionOptions = {}): ResolutionResult {
  checkPlcDid(did)
  const versions = verifyPlcLog(did, log)
  const place = chooseVersion(versions, options)
  const version = versions[place]
  if (!version) return unresolved('NOT_FOUND', 'the log has no such version')
  const metadata = { ...versionMetadata(versions, place), ...(version.data ? {} : { deactivated: true }) }
  return resolved(documentOf(did, version.data), 'log', metadata)
}

function checkPlcDid(did: string): void {
  const { method, id } = parseDid(did)
  if (method !== 'plc' || !/^[a-z2-7]{24}$/.test(id))
    throw new KeysteadError<DidErrorCode>('INVALID_DID', 'this is not a did:plc')
}

function documentOf(did: string, data: PlcData | undefined): DidDocument {
  if (!data) return parseDidDocument({ '@context': MULTIKEY_CONTEXT, id: did })
  return parseDidDocument({
    '@context': MULTIKEY_CONTEXT,
    id: did,
    alsoKnownAs: data.alsoKnownAs,
    verificationMethod: Object.entries(data.verificationMethods).map(([name, key]) => ({
      id: `${did}#${name}`,
      type: 'Multikey',
      controller: did,
      publicKeyMultibase: key.replace(/^did:key:/, ''),
    })),
    service: Object.entries(data.services).map(([name, { type, endpoint }]) => ({
      id: `${did}#${name}`,
      type,
      serviceEndpoint: endpoint,
    })),
  })
}
