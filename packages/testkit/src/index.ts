export { AGENCY, LEDGER, Network } from './network.ts'
export { Person } from './person.ts'
export { type Server, type Tamper, Wires } from './wires.ts'
