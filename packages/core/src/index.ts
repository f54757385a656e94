export {
  type Bytes,
  compareBytes,
  concatBytes,
  equalBytes,
  uint32,
  uint64,
  utf8,
  utf8Decode,
  utf8Into,
} from './bytes.ts'
export {
  base32,
  base58btc,
  base64pad,
  base64url,
  type Coder,
  hexadecimal,
  installBase64url,
  multibase,
  multihash,
} from './encodings.ts'
export { type CoreErrorCode, isKeysteadError, KeysteadError } from './errors.ts'
export { Fields, fail } from './fields.ts'
export {
  canonicalJson,
  canonicalText,
  checkJsonDepth,
  type Json,
  type JsonObject,
  parseCanonicalJson,
  parseJson,
  parseJsonText,
} from './json.ts'
export { MAX_DID_LENGTH, MAX_JSON_DEPTH } from './limits.ts'
export { Newest, remembering } from './memo.ts'
export { pad, padmeSize, unpad } from './padding.ts'
export { type Clock, FakeClock, type Random, seededRandom, systemClock, systemRandom } from './ports.ts'
