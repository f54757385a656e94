/** How the page is built: one folder of hashed files, nothing inline, so that the policy can be strict. */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  resolve: { conditions: ['@keystead/source', 'browser', 'module', 'import', 'default'] },
  build: {
    target: 'es2024',
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // One chunk on purpose: the whole wallet is here before anything is typed into it.
    chunkSizeWarningLimit: 1000,
  },
})
