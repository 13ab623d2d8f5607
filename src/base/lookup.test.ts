import { expect, it } from "vitest"
import { own } from "./lookup.ts"

it("a table has the entries it was given and none that objects inherit", () => {
  const table: Record<string, number> = { one: 1, none: 0 }
  expect([own(table, "one"), own(table, "none"), own(table, "two")]).toEqual([1, 0, undefined])
  for (const name of Object.getOwnPropertyNames(Object.prototype)) expect(own(table, name)).toBeUndefined()
})
