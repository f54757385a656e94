/** An application that dies at the step that `CRASH_AT` names, once a block carries something. */
import { Application } from '../application.ts'
import { runApplication } from '../process.ts'

let blocks = 0
await runApplication(
  (options) =>
    new Application({
      ...options,
      crashPoint: (step) => {
        if (step === process.env['CRASH_AT'] && ++blocks === 2) process.kill(process.pid, 'SIGKILL')
      },
    }),
)
