import { describe, expect, it } from 'vitest'
import { type Manifest, manifestBytes, manifestRoot, parseManifest, type ReleaseFile } from './release-manifest.ts'
import { judgeRelease } from './release-verdict.ts'

const hash = 'QmNYQbY3PYYtNK1vAhM6hEXo3HExVCfqd9kY1psJY7Sh38'
const files: ReleaseFile[] = [
  { path: 'a', size: 1, hash },
  { path: 'b/c', size: 2, hash },
]
const manifest: Manifest = { v: 1, name: 'x', version: '1', n: 2, made: 100, nextBy: 200, files, flaws: [] }
const anchor = (root: string, time: number) => ({ seq: 1, root, time, logIndex: 1 })
const history = (...roots: string[]) =>
  ({
    anchors: roots.map((root, i) => anchor(root, 100 + i)),
    state: { did: 'did:dkms:x', compromises: [] },
  }) as never
const root = manifestRoot(manifest)
const wrong = (found = files, past = history('first', root), now = 150, of = manifest) =>
  judgeRelease(of, found, past, now).wrong.join(' ')

describe('a release', () => {
  it('is good when its maker anchored it, last and in time, and every file is there as it was', () => {
    expect(judgeRelease(manifest, files, history('first', root), 200)).toEqual({ anchored: 101, newer: 0, wrong: [] })
    expect(parseManifest(manifestBytes(manifest))).toEqual(manifest)
  })

  it('of somebody else, or changed in any byte, is not the maker’s (RELEASE-2)', () => {
    expect(wrong(files, history('first', 'second'))).toMatch(/has not anchored/)
    for (const change of [{ version: '2' }, { flaws: [{ id: 'a', text: 'b' }] }, { nextBy: 1000 }, { files: [] }])
      expect(wrong(files, history('first', root), 150, { ...manifest, ...change })).toMatch(/has not anchored/)
  })

  it('with a file changed, missing or added is named', () => {
    const [a, c] = files as [ReleaseFile, ReleaseFile]
    expect(wrong([a])).toBe('b/c is missing')
    expect(wrong([a, { ...c, hash: manifestRoot({ ...manifest, n: 9 }) }])).toBe('b/c is another')
    expect(wrong([...files, { ...c, path: 'd' }])).toBe('d was added')
  })

  it('that is not the newest, or after which the maker was to speak and did not, was held back', () => {
    expect(judgeRelease(manifest, files, history('first', root, 'third'), 150)).toMatchObject({ newer: 1 })
    expect(wrong(files, history('first', root, 'third'))).toMatch(/1 statement\(s\) since/)
    expect(wrong(files, history('first', root), 201)).toMatch(/was to speak again by/)
    expect(wrong(files, history(root))).toMatch(/says statement 2, and is number 1/)
  })

  it('made while its maker’s keys may have been in other hands is doubted', () => {
    const at = (since: number, declared: number) =>
      ({
        anchors: [anchor('first', 1), anchor(root, 101)],
        state: { did: 'd', compromises: [{ seq: 1, since, at: declared }] },
      }) as never
    expect(wrong(files, at(101, 102))).toMatch(/in other hands/)
    expect(wrong(files, at(102, 103))).toBe('')
    expect(wrong(files, at(90, 101))).toBe('')
  })

  it('whose manifest names a file outside of it, or is anything else, is refused', () => {
    for (const path of ['/etc/passwd', '../a', 'a/../../b', 'a\\b', ''])
      expect(() => parseManifest(manifestBytes({ ...manifest, files: [{ path, size: 1, hash }] }))).toThrow('manifest')
    for (const other of [{ ...manifest, more: 1 }, { ...manifest, n: 0 }, [], null])
      expect(() => parseManifest(manifestBytes(other as never))).toThrow('manifest')
  })
})
