/** The edge agent's parts, put together. */
import type { Edge } from './context.ts'
import type { EdgePorts } from './ports.ts'
import { edgeResolver } from './resolver.ts'
import { RecordStore } from './store.ts'

export function makeEdge(ports: EdgePorts): Edge {
  const records = new RecordStore(ports.vault, ports.clock)
  let resolver: Edge['resolver'] | undefined
  const edge: Edge = {
    ports,
    records,
    alone: inTurn(),
    // To resolve may take a question to an agency, for which the edge is needed.
    get resolver() {
      resolver ??= edgeResolver(edge)
      return resolver
    },
  }
  return edge
}

function inTurn(): Edge['alone'] {
  let turn: Promise<unknown> = Promise.resolve()
  return (work) => {
    const run = turn.then(work)
    turn = run.catch(() => {})
    return run
  }
}
