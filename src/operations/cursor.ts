import { AppError } from "../base/errors.ts"

/** An opaque place in a list that is ordered by time and id. */
export function makeCursor(at: string, id: string): string {
  return Buffer.from(`${at}|${id}`).toString("base64url")
}

/** Reads a cursor; REQUEST_INVALID when it is none of ours. */
export function parseCursor(cursor: string): { at: string; id: string } {
  const [, at = "", id = ""] = /^([^|]*)\|(.*)$/s.exec(Buffer.from(cursor, "base64url").toString("utf8")) ?? []
  if (id === "" || Number.isNaN(Date.parse(at)))
    throw new AppError("REQUEST_INVALID", "the cursor is not one this list gave out", {
      problems: [{ pointer: "/cursor", message: "use the cursor of the page before" }],
    })
  return { at, id }
}
