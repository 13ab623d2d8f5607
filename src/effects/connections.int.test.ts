import { expect, test } from "vitest"
import { freshDatabase } from "../../test/fixtures/database.ts"
import { AppError } from "../base/errors.ts"
import { createLog } from "../base/log.ts"
import { Connections } from "./connections.ts"

test("P-48: another process shows the wait that a system asked for, and a person ends it there for all", async () => {
  const database = await freshDatabase()
  const process = () => {
    const connections = new Connections(database.sql, createLog("test", "silent"))
    const connected = { check: () => Promise.resolve(), close: () => undefined }
    connections.add({
      id: "erp",
      connector: "t",
      apiVersion: "1",
      timeoutMs: 1,
      connected,
      rate: { concurrencyMax: 1 },
    })
    return connections
  }
  const [worker, gateway] = [process(), process()]
  try {
    const busy = () => Promise.reject(new AppError("VENDOR_UNAVAILABLE", "busy", { retryAfterMs: 1e12 }))
    await worker
      .get("erp")
      .gate.pass("orders", busy)
      .catch(() => undefined)
    const shown = async () => {
      await gateway.refresh()
      return gateway.get("erp").gate.state.askedToWaitMs
    }
    await expect.poll(shown).toBeGreaterThan(800_000)
    expect(gateway.get("erp").gate.state.lastError).toContain("cut to 900 s")
    // Both between two looks of the worker.
    await gateway.setPaused("erp", { isPaused: true, by: "ada", reason: "" })
    await gateway.setPaused("erp", { isPaused: false, by: "ada", reason: "" })
    await worker.refresh()
    expect([await shown(), worker.get("erp").gate.wakeBudget]).toEqual([0, "paced"])
  } finally {
    await database.drop()
  }
})
