import { expect, test } from "vitest"
import { DrainWatch } from "./drain-watch.ts"

test("the end of what waits is told once it becomes less, from the pace at which it does", () => {
  const watch = new DrainWatch()
  expect(watch.endsAtMs("sap", 100, 0)).toBeUndefined()
  expect(watch.endsAtMs("sap", 140, 10_000)).toBeUndefined()
  expect(watch.endsAtMs("sap", 130, 11_000)).toBeUndefined()
  // Forty in twenty seconds: a hundred more take fifty.
  expect(watch.endsAtMs("sap", 100, 30_000)).toBe(80_000)
  expect(watch.endsAtMs("stripe", 5, 30_000)).toBeUndefined()
  expect(watch.endsAtMs("sap", 0, 80_000)).toBeUndefined()
  expect(watch.endsAtMs("sap", 7, 90_000)).toBeUndefined()
})
