import type { TSchema } from "typebox"
import type { Money } from "../../base/money.ts"

/** One object that an operation changes. */
export interface Member {
  id: string
  /** For people: what it is about. */
  about: string
  atRisk?: Money
}

/** An object that fits what was asked, and to which it cannot be done. */
export interface Refused {
  id: string
  why: string
}

/** Who has it done, and why. */
export interface BulkAct {
  by: string
  reason: string
}

/** What became of a member. */
export interface Became {
  outcome: "done" | "skipped"
  /** Why it was skipped: it moved meanwhile. */
  reason?: string
}

/** Something that can be done to many objects at once. Areas declare them. Every call may come again after a crash. */
export interface BulkKind<Spec = never> {
  name: string
  does: string
  /** Of what a person asks. */
  schema: TSchema
  /** What it would be done to. Nothing is changed. */
  preview(
    spec: Spec,
    of: { channels: readonly string[] | undefined },
  ): Promise<{ members: Member[]; refused: Refused[] }>
  /** Once, before the first member. */
  prepare?(spec: Spec, act: BulkAct): Promise<unknown>
  carryOut(memberId: string, spec: Spec, act: BulkAct): Promise<Became>
}

/** A kind whose spec its own schema has checked. */
export type AnyBulkKind = BulkKind
