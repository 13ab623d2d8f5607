import type { ExceptionAction } from "../../operations/exceptions/actions.ts"

/** What people may do about counts that are far from what was expected. */
export const stockActions: readonly ExceptionAction[] = [
  { name: "it is right", does: "Leaves what was counted as it is.", effect: { kind: "close" } },
  {
    name: "count again",
    does: "Says that somebody counts again; the next count is booked as any other.",
    effect: { kind: "close" },
  },
]
