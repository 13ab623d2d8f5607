// Answers about people's work, with the members that the console shows. `test/console/answers.int.test.ts` holds them against the API.

import type { ExceptionGroup, Money } from "./answers.ts"

/** Something that an act needs to know, to be drawn as a field. */
export interface Ask {
  name: string
  says: string
  takes: "text" | "day" | "moment" | "number" | "choice" | "list"
  choices?: readonly string[]
  isNeeded: boolean
  default?: string
}

export interface ExceptionAction {
  name: string
  does: string
  asksFor: readonly Ask[]
}

/** What can be done to many objects, and whether the reader may. */
export interface OperationKind {
  name: string
  does: string
  asksFor: readonly Ask[]
  allowed: boolean
  reason?: string
  alwaysApproved?: string
  /** The action that cases must allow. */
  forAction?: string
}

interface FilterValue {
  value: string
  open: number
}

export interface ExceptionFilters {
  owners: FilterValue[]
  causes: FilterValue[]
  connections: FilterValue[]
  channels: FilterValue[]
}

export interface GroupRule {
  id: number
  kind: "merge" | "split"
  group: string
  into?: string
  by?: string
  reason: string
  madeBy: string
  madeAt: string
  undone?: { by: string; at: string }
}

/** One group with the rules by which cases are in it. */
export interface RuledGroup extends ExceptionGroup {
  rules?: GroupRule[]
}

export interface MarkedText {
  lines: string[]
  marks: { line: number; pointer: string; message: string }[]
  left: number
}

/** What a system sent, beside what was made of it. */
export interface DeliveryView {
  id: number
  connection: string
  via: string
  topic: string
  receivedAt: string
  state: string
  payload?: MarkedText
  canonical: MarkedText
  problems: { pointer: string; message: string }[]
  isRedacted: boolean
  isCorrected: boolean
  bytes: number
}

/** Something that is done to many objects at once. */
export interface Operation {
  id: string
  kind: string
  spec: { action?: string; day?: string; group?: string; connection?: string; from?: string }
  reason: string
  /** What people should know before they run it. */
  says: string[]
  /** Of the preview that was looked at. */
  hash: string
  state: "previewed" | "waiting for approval" | "running" | "paused" | "stopped" | "done"
  needsApproval?: string
  atRisk: Money[]
  refused: { id: string; why: string }[]
  total: number
  done: number
  skipped: number
  failed: number
  requestedBy: string
  requestedAt: string
  expiresAt: string
  approvedBy?: string
  startedAt?: string
  endedAt?: string
  endedWhy?: string
  perSecond: number
  lastsSeconds: number
  endsAt?: string
  /** On its own page only: for whom it waits, and whether the reader may approve it. */
  approval?: { waitsFor: string; allowed: boolean; reason?: string }
  /** On its own page only: what stands where, and what shall stand there. */
  difference?: { at: string; before?: string; after: string }[]
}

export interface OperationMember {
  n: number
  /** Its id. */
  member: string
  about: string
  outcome: string | null
  reason: string | null
}
