import { runApplication } from './process.ts'

await runApplication()
