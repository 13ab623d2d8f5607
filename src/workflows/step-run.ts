import type { Clock } from "../base/time.ts"
import type { NewEvent } from "../canonical/events.ts"
import type { Signal, StepWrite } from "../effects/ledger-rows.ts"
import type { Lane } from "../effects/pacing.ts"
import type { EffectRun } from "../effects/perform.ts"

/** What a step context needs from the run it belongs to. */
export interface StepRun extends EffectRun {
  workflow: string
  steps: readonly string[]
  interrupts: readonly string[]
  lane: Lane
  clock: Clock
  signals: readonly Signal[]
  /** Hands a step and what it tells the world to the ledger: both are there after a crash, or neither. */
  record(step: StepWrite, events?: NewEvent[]): Promise<unknown>
  /** Names of finished steps in the order they were begun. */
  doneSoFar(): string[]
  /** Facts that finished steps have taken. */
  takenFacts(): ReadonlySet<string>
}
