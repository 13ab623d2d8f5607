import { expect, test } from "vitest"
import { makeCursor, parseCursor } from "./cursor.ts"

test("a cursor holds a time as PostgreSQL writes it, to the microsecond, or as an instant", () => {
  for (const at of ["2026-11-29 09:53:00.146301+00", "2026-11-29T09:53:00.146Z", "2026-11-29 09:53:00+05:30"])
    expect(parseCursor(makeCursor(at, "order/ord_1"))).toEqual({ at, id: "order/ord_1" })
})

test.each([
  "2026",
  "2026-02-30 10:00:00+00",
  "2026-13-01T00:00:00Z",
  "today",
  "infinity",
  "",
  "2026-11-29T09:53:00Z'; drop table events",
])("%s is no time of a cursor of ours, and the request is refused", (at) => {
  expect(() => parseCursor(makeCursor(at, "order/ord_1"))).toThrow("the cursor is not one this list gave out")
})

test("a cursor without an id, or with one that the database cannot hold, is refused", () => {
  for (const id of ["", "order/\0"]) expect(() => parseCursor(makeCursor("2026-11-29T09:53:00Z", id))).toThrow("cursor")
})
