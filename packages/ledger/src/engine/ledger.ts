/** A replicated ledger as everything above it sees it; which engine orders its operations is nobody's business but the engine's. */
import type { NetworkGenesis, RulesTable } from '@keystead/did-dkms'
import type { Head, LightBlock, Receipt } from '@keystead/light-client'
import type { Reader } from '../state/store.ts'

/** A block's header and commit, and exactly the state that they prove. */
export interface View {
  readonly head: Head
  readonly store: Reader
}

export interface Ledger {
  readonly genesis: NetworkGenesis
  /** Protocol versions that this node can run; all of this software's where it says none. */
  readonly rules?: RulesTable | undefined
  /** The newest block that is signed and on disk. */
  readonly head: Head
  /** What can be proven now. Valid until the caller next awaits: later blocks may change the store beneath. */
  view(): View
  /** A block's header with everybody who signed it, and the sets it names; undefined where it is not there (any more). */
  lightBlock(height: number): Promise<LightBlock | undefined>
  /**
   * Takes one submission. Resolves when the operation is in a block, proven by a header and on disk; the same bytes again
   * give the same receipt. Rejects with the code of the refusal, `TOO_MANY_OPERATIONS` or `LEDGER_STOPPING`.
   */
  submit(bytes: Uint8Array): Promise<Receipt>
  /** Receipt of an operation that is in the log. */
  receipt(hash: string): Receipt | undefined
  /** Sees to it, where the engine can, that the newest header is at most `maxAge` seconds old. */
  refresh(maxAge: number): Promise<void>
  status(): Promise<LedgerStatus>
  close(): Promise<void>
}

/** How the engine is doing, for its operator. */
export interface LedgerStatus {
  readonly engine: 'embedded' | 'cometbft'
  /** Other nodes it is connected with. */
  readonly peers: number
}
