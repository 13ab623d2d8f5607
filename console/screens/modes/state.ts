import type { Mode } from "../../api/mode-answers.ts"
import type { Shown } from "../../format/roles.ts"

const words: Readonly<Record<Mode["state"], Shown>> = {
  normal: { role: "done", word: "normal" },
  entered: { role: "risk", word: "entered" },
  draining: { role: "moving", word: "on the way back" },
  left: { role: "done", word: "normal" },
}

/** Where a mode stands. */
export const modeState = ({ state }: Pick<Mode, "state">): Shown => words[state]

/** Whether people have to know of it now. */
export const isUnderWay = ({ state }: Mode): boolean => state === "entered" || state === "draining"
