export { type AgentOptions, NodeAgent, openAgent } from './agent.ts'
export { fileSource, placeFor, type SaveOptions, saveAttachment } from './files.ts'
