/** Relative DID URLs of a document made absolute (DID Resolution, option `expandRelativeUrls`; DID Core, section 3.2.2). */
import type { Json } from '@keystead/core'
import { absolute, type DidDocument, RELATIONSHIPS, type VerificationMethod } from './document.ts'

/** Ids of methods, of services and of relationships' methods, and references to methods. */
export function expandRelativeUrls(document: DidDocument): DidDocument {
  const expanded: Record<string, Json> = { ...document }
  const withId = <T extends { readonly id: string }>(item: T): T => ({ ...item, id: absolute(document.id, item.id) })
  if (document.verificationMethod) expanded['verificationMethod'] = document.verificationMethod.map(withId)
  if (document.service) expanded['service'] = document.service.map(withId)
  const expand = (item: string | VerificationMethod): string | VerificationMethod =>
    typeof item === 'string' ? absolute(document.id, item) : withId(item)
  for (const relationship of RELATIONSHIPS) {
    const list = document[relationship]
    if (list) expanded[relationship] = list.map(expand)
  }
  return expanded as DidDocument
}
