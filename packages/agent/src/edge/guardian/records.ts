/** What both sides keep of a guardianship, by relationship. On this device only: after a recovery the owner appoints anew. */
import type { Opening } from '@keystead/did-dkms'
import type { Appointment } from '../../protocols/guardian/messages.ts'

/** The owner's side. */
export interface Guardian extends Appointment {
  readonly relationship: string
  /** What the answer has to be on; gone once it was withdrawn. */
  readonly thid?: string
  /** Opens the entry, once they agreed. */
  readonly opening?: Opening
  readonly declined?: true
  /** The entry was on the ledger: it is not put there again when it is gone. */
  readonly granted?: true
  readonly ended?: true
}

/** The guardian's side: whose, and which key of this device (`agent-key`) the entry is about. */
export interface Ward extends Appointment {
  readonly relationship: string
  readonly h: string
  readonly withdrawn?: true
}
