/** The test kit of age (C2SP/CCTV, age/README.md): what each file is, and what opens it. */
import { inflateSync } from 'node:zlib'
import * as vectors from 'cctv-age'

/** All that are not armored. `keys` is absent where more than one kind opens it. */
export function ageKit() {
  return Object.entries(vectors as Record<string, Uint8Array>)
    .map(([name, bytes]) => vector(name, bytes))
    .filter(({ armored }) => !armored)
}

/** A header of `key: value` lines, an empty line, the file (C2SP/CCTV, age/README.md). */
function vector(name: string, bytes: Uint8Array) {
  const end = Buffer.from(bytes).indexOf('\n\n')
  const head = Buffer.from(bytes.subarray(0, end)).toString()
  const all = (key: string) =>
    head.split('\n').flatMap((line) => (line.startsWith(`${key}: `) ? [line.slice(key.length + 2)] : []))
  const body = bytes.subarray(end + 2)
  const [passphrase] = all('passphrase')
  const identities = all('identity')
  const keys = identities.length > 0 ? { identities } : passphrase === undefined ? undefined : { passphrase }
  return {
    name,
    expected: all('expect')[0] ?? '',
    payload: all('payload')[0] ?? '',
    armored: all('armored').length > 0,
    keys: all('passphrase').length > 1 || (identities.length > 0 && passphrase !== undefined) ? undefined : keys,
    file: new Uint8Array(all('compressed')[0] === 'zlib' ? inflateSync(body) : body),
  }
}
