import type { TObject } from "typebox"
import type { Money } from "../../base/money.ts"

/** One object that an operation changes. */
export interface Member {
  id: string
  /** For people: what it is about. */
  about: string
  atRisk?: Money
  /** What was seen of it. A member that shows something else when its turn comes has moved, and is left. */
  seen?: string
}

/** An object that fits what was asked, and to which it cannot be done. */
export interface Refused {
  id: string
  why: string
}

/** Who has it done, why, and by which operation. */
export interface BulkAct {
  by: string
  reason: string
  operation: string
}

/** What became of a member. */
export interface Became {
  outcome: "done" | "skipped"
  /** Why it was skipped: it moved meanwhile. */
  reason?: string
}

/** What an operation would do. */
export interface Preview {
  members: Member[]
  refused: Refused[]
  /** What people should know before they run it, one sentence each. */
  says?: readonly string[]
}

/** One value that an operation changes. */
export interface Difference {
  at: string
  /** Missing when it is gone by now. */
  before?: string
  after: string
}

/** Something that can be done to many objects at once. Areas declare them. Every call may come again after a crash. */
export interface BulkKind<Spec = never> {
  name: string
  does: string
  /** Of what a person asks. Its descriptions are the labels of the console's form. */
  schema: TObject
  /** The action that cases must allow, so that it is offered only where it can be done. */
  forAction?: string
  /** The scope that it needs besides `operations:write`. */
  scope?: string
  /** Why another person approves it every time, however small it is. */
  alwaysApproved?: string
  /** What it would be done to. Nothing is changed. */
  preview(spec: Spec, of: { channels: readonly string[] | undefined }): Promise<Preview>
  /** Members of the spec that hold something personal, which is shown only to those who may see it. */
  personal?: Readonly<Record<string, (spec: Spec) => boolean>>
  /** What stands where, and what shall stand there. */
  difference?(spec: Spec): Promise<Difference[]>
  /** Before the first member. Not repeated once it was done, however long the first member waits. */
  prepare?(spec: Spec, act: BulkAct): Promise<unknown>
  carryOut(member: Pick<Member, "id" | "seen">, spec: Spec, act: BulkAct): Promise<Became>
}

/** A kind whose spec its own schema has checked. */
export type AnyBulkKind = BulkKind

export const done: Became = { outcome: "done" }

/** A member that moved since the preview. */
export const skipped = (reason: string): Became => ({ outcome: "skipped", reason })
