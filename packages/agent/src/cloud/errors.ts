import type { AgencyRefusal } from '../protocols/report-problem/agency-refusals.ts'

/** Closed codes of an agency: those with which it refuses, and those that its operator reads. */
export type CloudErrorCode =
  | AgencyRefusal
  | 'AGENCY_IN_USE'
  | 'DATABASE_UNREACHABLE'
  | 'GUESS_WITNESS_DAMAGED'
  | 'DATABASE_NEWER'
  | 'BAD_CONFIG'
  | 'UNKNOWN_TENANT'
  | 'BACKUP_BY_DATABASE'
