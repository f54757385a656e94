/** What a Universal Resolver tells about itself, of the one method that a ledger node resolves (its OpenAPI file; DIF DID Traits). */
import { networkHash } from '@keystead/did-dkms'
import type { Hono } from 'hono'
import type { Ledger } from '../engine/ledger.ts'

const TRAITS = {
  name: 'dkms',
  updateable: true,
  updateableServiceEndpoints: true,
  updateableVerificationMethods: true,
  deactivatable: true,
  deletable: false,
  selfCertifying: true,
  prerotationOfKeys: true,
  multisigVerificationMethod: true,
  humanreadable: false,
  enumerable: true,
  resolvableLocally: false,
  resolvableGlobally: true,
  history: true,
  historySigned: true,
  hostingNotRequired: false,
}

export function universalRoutes(app: Hono, { genesis }: Ledger): void {
  const answers = {
    '/1.0/methods': ['dkms'],
    '/1.0/properties': { dkms: { chainId: genesis.chainId, genesis: networkHash(genesis) } },
    // Every DID here is somebody's; none is made for tests.
    '/1.0/testIdentifiers': { dkms: [] },
    '/1.0/traits': { dkms: TRAITS },
  }
  for (const [path, body] of Object.entries(answers))
    app.get(path, (c) => c.json(body, 200, { 'content-type': 'application/did+json' }))
}
