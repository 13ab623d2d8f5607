import { expect, test } from "vitest"
import { freshDatabase } from "../test/fixtures/database.ts"
import { figuresOf, runFuzz } from "./fuzz.ts"

test("P-50: twelve hundred odd inputs by every door end in clear answers, and orders still ship", async () => {
  const database = await freshDatabase()
  try {
    const report = await runFuzz({ databaseUrl: database.url, seed: 2026, inputs: 1200 })
    const { serverErrors, unclear, halfDone, crashes } = report
    expect({ serverErrors, unclear, halfDone, crashes }, `${figuresOf(report)}\n${report.table}`).toEqual({
      serverErrors: 0,
      unclear: 0,
      halfDone: [],
      crashes: [],
    })
    expect(report.inputs).toBe(1200)
  } finally {
    await database.drop()
  }
}, 180_000)
