import { AppError } from "../base/errors.ts"
import { isMoment } from "../base/time.ts"

/** An opaque position in a list ordered by time and id. */
export function makeCursor(at: string, id: string): string {
  return Buffer.from(`${at}|${id}`).toString("base64url")
}

/** As PostgreSQL writes a timestamp, or JavaScript. */
const timestamp = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d(:\d\d)?)$/

/** Reads a cursor. Throws REQUEST_INVALID if we did not issue it. */
export function parseCursor(cursor: string): { at: string; id: string } {
  const [, at = "", id = ""] = /^([^|]*)\|(.*)$/s.exec(Buffer.from(cursor, "base64url").toString("utf8")) ?? []
  if (id === "" || id.includes("\0") || !timestamp.test(at) || !isMoment(at))
    throw new AppError("REQUEST_INVALID", "the cursor is not one this list gave out", {
      problems: [{ pointer: "?cursor", message: "use the cursor of the page before" }],
    })
  return { at, id }
}
