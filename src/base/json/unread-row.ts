import type { Problem } from "../errors.ts"

/** A row of a batch that could not be read: it stands in the row's place, so that it costs no other. Validators name its problems. */
export class UnreadRow {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    this.problems = problems
  }
}
