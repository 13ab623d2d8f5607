import { expect, test } from "vitest"
import { findForeignWrites, findOverpromises, findUntrueLevels, findVersionsGoneBack } from "./published.ts"

const row = { channel: "shop", sku: "TEE", locationId: "dc" }
const texts = (found: { what: string; expected: string; found: string }[]) =>
  found.map(({ what, expected, found: is }) => `${what}: ${expected}, ${is}`)

test("PUBLISHING: at rest a channel shows what may be promised, no more and no less", () => {
  const levels = [3000, 4000, 5000].map((shownMilli) => ({ ...row, shownMilli, promiseMilli: 4000 }))
  expect(texts(findUntrueLevels(levels))).toEqual([
    "shows another level than may be promised: 4, 3",
    "shows another level than may be promised: 4, 5",
  ])
})

test("PUBLISHING: versions of a row only grow, and none is sent that it never had", () => {
  const seen = (version: number, sentVersion: number, sku = "TEE") => ({ ...row, sku, version, sentVersion })
  expect(findVersionsGoneBack([seen(1, 1), seen(1, 0, "HAT"), seen(2, 1), seen(2, 2), seen(3, 2)])).toEqual([])
  expect(texts(findVersionsGoneBack([seen(2, 2), seen(1, 1)]))).toEqual([
    "has an older version than before: 2 or later, 1",
    "was sent in an older version than before: 2 or later, 1",
  ])
  expect(texts(findVersionsGoneBack([seen(1, 2)]))).toEqual(["was sent in a version that it never had: 1 at most, 2"])
})

test("PUBLISHING: a level is never set above what could be promised; zero may always be set", () => {
  const set = (setMilli: number, mostMilli: number) => ({ ...row, at: "2026-11-30T10:00:00.000Z", setMilli, mostMilli })
  expect(findOverpromises([set(4000, 4000), set(3000, 4000), set(0, -2000)])).toEqual([])
  expect(findOverpromises([set(5000, 4000), set(1000, -1000)])).toMatchObject([
    { expected: "4", found: "5" },
    { expected: "-1", found: "1" },
  ])
})

test("X-04: what others own is not written", () => {
  const written = [
    { ...row, field: "stock" },
    { ...row, field: "title" },
  ]
  expect(findForeignWrites(written, ({ field }) => field === "stock")).toMatchObject([{ found: "title" }])
})
