/** The application as updated software runs it: it knows the rules of a version to come. */

import { newer } from '../../../testing/version2.ts'
import { Application } from '../application.ts'
import { runApplication } from '../process.ts'

await runApplication((options) => new Application({ ...options, rules: newer }))
