/**
 * What a new device is given when it was approved (DEVICE-5): who its owner is, which devices there are, the secret they share.
 * Sealed to the key that the code covers, post-quantum, and bound to the session. No private key is in it.
 */
import {
  type Bytes,
  canonicalJson,
  concatBytes,
  Fields,
  isKeysteadError,
  KeysteadError,
  parseJson,
  utf8,
} from '@keystead/core'
import { type KemKey, openSealed, type PublicKey, sealTo } from '@keystead/crypto'
import { MAX_LABEL, MAX_WELCOME_BYTES } from '../../limits.ts'
import { type DeviceList, parseDeviceList } from '../own-devices/messages.ts'

export interface Welcome {
  /** What the owner calls themselves. */
  readonly label: string
  /** Hash of the network's genesis: a device of another network is none of theirs. */
  readonly network: string
  readonly agency: { readonly did: string; readonly url: string; readonly services: readonly string[] }
  /** Its account is the one that the device may join. */
  readonly list: DeviceList
}

const LABEL = utf8('keystead/device-link/welcome/v1|')

export function sealWelcome(welcome: Welcome, recipient: PublicKey<'x-wing'>, session: string): Bytes {
  const { list, agency, ...rest } = welcome
  const json = {
    v: 1,
    ...rest,
    agency: { ...agency, services: [...agency.services] },
    list: { ...list, devices: list.devices.map((device) => ({ ...device })) },
  }
  return sealTo(recipient, canonicalJson(json as never), concatBytes(LABEL, utf8(session)))
}

/** Rejects with `BAD_MESSAGE` for what was sealed to another device or session, or is no welcome. */
export async function openWelcome(key: KemKey, sealed: Uint8Array, session: string): Promise<Welcome> {
  try {
    const f = new Fields(parseJson(await openSealed(key, sealed, concatBytes(LABEL, utf8(session))), MAX_WELCOME_BYTES))
    f.literal('v', 1)
    const agency = f.object('agency')
    const welcome = {
      label: f.string('label', { max: MAX_LABEL }),
      network: f.string('network', { max: 128 }),
      agency: {
        did: agency.string('did', { min: 8, max: 4096, pattern: /^did:/ }),
        url: agency.string('url', { min: 8, max: 2048, pattern: /^https?:/ }),
        services: agency.array('services', { max: 8 }, String),
      },
      list: parseDeviceList(f.any('list')),
    }
    agency.end()
    f.end()
    return welcome
  } catch (cause) {
    if (!isKeysteadError(cause)) throw cause
    throw new KeysteadError('BAD_MESSAGE', 'what came was not sealed to this device, or is damaged', { cause })
  }
}
