/**
 * Data keys of a log (SYNC-4): one random key an epoch, sealed to devices and recovery paths, and each sealed under the one
 * after it, so that whoever has the newest reads everything, and a removed device nothing new.
 */
import { type Bytes, base64url, concatBytes, type Random, uint32, utf8 } from '@keystead/core'
import { type KemKey, keyDigest, open, openSealed, type PublicKey, seal, sealTo } from '@keystead/crypto'
import { refuse } from '../errors.ts'
import { MAX_ABOUT_BYTES } from '../limits.ts'
import type { AuthorityEntry, AuthorityState } from './authority-entry.ts'

const WRAP = utf8('keystead/log-key/v1|')
const FORMER = utf8('keystead/log-former/v1|')
const ABOUT = utf8('keystead/log-about/v1|')

export const newDataKey = (random: Random): Bytes => random(32)

export function wrapDataKey(
  log: string,
  epoch: number,
  key: Uint8Array,
  receivers: readonly PublicKey<'x-wing'>[],
): AuthorityState['wraps'] {
  return receivers.map((receiver) => ({
    to: keyDigest(receiver),
    sealed: sealTo(receiver, key, bound(WRAP, log, epoch)),
  }))
}

/** The key before, under the new one, of `epoch`. */
export function sealFormer(log: string, epoch: number, key: Uint8Array, former: Uint8Array): Bytes {
  return seal(key, former, bound(FORMER, log, epoch))
}

export function sealAbout(log: string, epoch: number, key: Uint8Array, about: Bytes): Bytes {
  if (about.length > MAX_ABOUT_BYTES) refuse('BAD_RECORD', 'too many devices and contacts for the log’s authority')
  return seal(key, about, bound(ABOUT, log, epoch))
}

/** Throws `AUTHORITY_TAMPERED`. */
export function openAbout({ log, epoch, about }: AuthorityEntry, key: Uint8Array): Bytes {
  return opened(() => open(key, about, bound(ABOUT, log, epoch)))
}

/** The data key of an entry's epoch. Rejects with `NO_DATA_KEY` for a key that it was not sealed to. */
export async function unwrapDataKey({ log, epoch, wraps }: AuthorityEntry, key: KemKey): Promise<Bytes> {
  const digest = keyDigest(key.publicKey)
  const wrap = wraps.find(({ to }) => to === digest)
  if (!wrap) return refuse('NO_DATA_KEY', 'the log was not sealed to this key')
  return openSealed(key, wrap.sealed, bound(WRAP, log, epoch)).catch((cause) =>
    refuse('AUTHORITY_TAMPERED', 'a data key of the log does not open', { cause }),
  )
}

/** The data keys of all epochs that the entries, newest first, lead back to from the first one's. Throws `AUTHORITY_TAMPERED`. */
export function formerDataKeys(entries: readonly AuthorityEntry[], newest: Bytes): Map<number, Bytes> {
  const keys = new Map(entries.slice(0, 1).map((entry) => [entry.epoch, newest]))
  for (const one of entries) {
    const key = keys.get(one.epoch)
    if (key && one.epoch > 0 && !keys.has(one.epoch - 1))
      keys.set(
        one.epoch - 1,
        opened(() => open(key, one.former, bound(FORMER, one.log, one.epoch))),
      )
  }
  return keys
}

function opened(work: () => Bytes): Bytes {
  try {
    return work()
  } catch (cause) {
    return refuse('AUTHORITY_TAMPERED', 'a sealed part of the log’s authority does not open', { cause })
  }
}

function bound(label: Bytes, log: string, epoch: number): Bytes {
  return concatBytes(label, base64url.decode(log), uint32(epoch))
}
