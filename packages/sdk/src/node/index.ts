export { type AgentOptions, NodeAgent, openAgent } from './agent.ts'
