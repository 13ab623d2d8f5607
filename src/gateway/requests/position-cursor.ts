import { AppError } from "../../base/errors.ts"
import type { Position } from "../../eventlog/event-log.ts"

/** A position of the log as callers keep it. */
export function positionCursor(position: Position): string {
  return Buffer.from(`${position.xid}.${position.seq}`).toString("base64url")
}

/** REQUEST_INVALID for what is none. */
export function parsePositionCursor(cursor: string): Position {
  const position = readPositionCursor(cursor)
  if (position) return position
  throw new AppError("REQUEST_INVALID", "the cursor is invalid", {
    problems: [{ pointer: "?cursor", message: "use the `cursor` of a previous page" }],
  })
}

/** Undefined for what is none. */
export function readPositionCursor(cursor: string): Position | undefined {
  const match = /^(\d{1,19})\.(\d{1,15})$/.exec(Buffer.from(cursor, "base64url").toString())
  const [, xid, seq] = match ?? []
  return xid === undefined || seq === undefined ? undefined : { xid, seq: Number(seq) }
}
