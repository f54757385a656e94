import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Begun first, so that the whole run does not wait for one long file at its end. */
const LONG = ['scripts/story.test.ts', 'packages/testkit/', 'packages/ledger/src/engine/comet/']

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONG.findIndex((part) => moduleId.includes(part))
      return at < 0 ? LONG.length : at
    }
    const sorted = await super.sort(files)
    return sorted.sort((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  resolve: { conditions: ['@keystead/source', 'node'] },
  ssr: { resolve: { conditions: ['@keystead/source', 'node'] } },
  test: {
    include: ['packages/**/*.test.ts', 'apps/**/*.test.ts', 'scripts/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    sequence: { sequencer: LongFirst },
    pool: 'forks',
    maxWorkers: 2,
    execArgv: ['--conditions=@keystead/source', '--disable-warning=ExperimentalWarning'],
  },
})
