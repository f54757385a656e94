/** The application as updated software runs it: it knows the rules of a version to come. */
import { Application } from '../application.ts'
import { runApplication } from '../process.ts'
import { newer } from './version2.ts'

await runApplication((options) => new Application({ ...options, rules: newer }))
