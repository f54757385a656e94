import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['@keystead/source', 'node'] },
  ssr: { resolve: { conditions: ['@keystead/source', 'node'] } },
  test: {
    include: ['packages/**/*.test.ts', 'apps/**/*.test.ts', 'scripts/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    execArgv: ['--conditions=@keystead/source', '--disable-warning=ExperimentalWarning'],
  },
})
