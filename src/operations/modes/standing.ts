import { durationMs, durationText } from "../../base/time.ts"
import type { Mode } from "./policies.ts"

/** What is known of a mode's system at a moment. */
export interface Reading {
  /** How long it has given no answer, or is paused; undefined while it answers. */
  awayForMs: number | undefined
  /** How long it has answered; undefined while it is away. */
  answersForMs: number | undefined
  /** Objects that wait for it. */
  waiting: number
}

/** An episode that is under way. */
export interface Episode {
  state: "entered" | "draining"
  /** A person entered it, and only a person begins the way back. */
  byPerson: boolean
}

/** What becomes of a mode. */
export type Turn = { to: "entered" | "draining" | "left"; because: string }

/**
 * What becomes of a mode by a reading of its system; undefined when nothing changes. A system that is away again while what waited is
 * being done takes the same episode back. Slowness ends when less than half as many wait as began it, so that it does not flutter.
 */
export function turnOf(mode: Mode, episode: Episode | undefined, reading: Reading): Turn | undefined {
  const because = reasonToEnter(mode, reading)
  if (episode === undefined) return because === undefined ? undefined : { to: "entered", because }
  if (episode.state === "entered") return endOfAbsence(mode, episode, reading)
  if (reading.awayForMs !== undefined && because !== undefined) return { to: "entered", because }
  if (reading.waiting > 0 || reading.awayForMs !== undefined) return undefined
  return { to: "left", because: `nothing waits for ${mode.connection} any more` }
}

function endOfAbsence(mode: Mode, episode: Episode, { answersForMs, waiting }: Reading): Turn | undefined {
  if (episode.byPerson || answersForMs === undefined) return undefined
  if (answersForMs < durationMs(mode.leave.answersFor)) return undefined
  const { waiting: limit } = mode.enter
  if (limit !== undefined && waiting * 2 >= limit && mode.enter.awayFor === undefined) return undefined
  return { to: "draining", because: `${mode.connection} has answered for ${durationText(answersForMs)}` }
}

function reasonToEnter({ connection, enter }: Mode, { awayForMs, waiting }: Reading): string | undefined {
  if (enter.awayFor !== undefined && awayForMs !== undefined && awayForMs >= durationMs(enter.awayFor))
    return `${connection} has given no answer, or is paused, for ${durationText(awayForMs)}`
  if (enter.waiting !== undefined && waiting >= enter.waiting) return `${waiting} wait for ${connection}`
  return undefined
}
