import { expect, test } from "vitest"
import { quietUntil, recipientsOf } from "./recipients.ts"

const nightMs = Date.parse("2026-11-29T23:30:00.000Z")
const dayMs = Date.parse("2026-11-29T13:00:00.000Z")
const quiet = { from: "22:00", to: "07:00", timeZone: "Europe/Berlin" }
const recipients = {
  teams: { finance: { onDuty: ["finance-mail"], standIn: ["controller"], quiet } },
  everybody: ["chat", "controller"],
}
const of = (change: Partial<Parameters<typeof recipientsOf>[0]>, nowMs = dayMs) =>
  recipientsOf({ owner: "finance", severity: "page", kind: "opened", level: 0, ...change }, recipients, nowMs).map(
    ({ receiver }) => receiver,
  )

test("the owner is told first, then the stand-in, then all; each only once", () => {
  expect(of({})).toEqual(["finance-mail"])
  expect(of({ kind: "escalated", level: 1 })).toEqual(["controller"])
  expect(of({ kind: "escalated", level: 2 })).toEqual(["chat"])
  expect(of({ kind: "resolved", level: 2 })).toEqual(["finance-mail", "controller", "chat"])
})

test("what belongs to nobody is told to everybody", () => {
  expect(of({ owner: "nobody" })).toEqual(["chat", "controller"])
})

test("a team is left alone in its quiet hours, across midnight, unless the class pierces them", () => {
  expect(quietUntil(quiet, "notice", nightMs)).toBe("2026-11-30T06:00:00.000Z")
  expect(quietUntil(quiet, "notice", Date.parse("2026-11-30T05:59:00.000Z"))).toBe("2026-11-30T06:00:00.000Z")
  expect(quietUntil(quiet, "notice", dayMs)).toBe("2026-11-29T13:00:00.000Z")
  expect(quietUntil(quiet, "page", nightMs)).toBe("2026-11-29T23:30:00.000Z")
  expect(quietUntil({ ...quiet, pierced: [] }, "page", nightMs)).toBe("2026-11-30T06:00:00.000Z")
  expect(quietUntil(undefined, "notice", nightMs)).toBe("2026-11-29T23:30:00.000Z")
})
