import { expect, test } from "vitest"
import { runChaos } from "./chaos-run.ts"
import { reportText } from "./checks/table.ts"
import { victims } from "./settings.ts"

const seed = 4711

test("sixty orders tie out although a gateway, a worker and PostgreSQL are each killed once", async () => {
  const said: string[] = []
  const { report, strikes, trading, books } = await runChaos({
    settings: {
      orders: 60,
      seed,
      ordersPerSecond: 8,
      workers: 2,
      gateways: 2,
      isFailover: false,
      pauseMsMax: 8000,
      kills: { gateway: 1, worker: 1, postgres: 1 },
      stores: 2,
      oddShare: 0.3,
      oddShapes: "some",
      isCalm: false,
      isKept: false,
      tailMs: 120_000,
    },
    onProgress: (text) => said.push(text),
  })
  expect(new Set(strikes.filter(({ kind }) => kind === "kill").map(({ victim }) => victim))).toEqual(new Set(victims))
  expect(trading.placed).toBe(60)
  // A run in which no response was lost proves nothing about lost responses.
  expect(books.faults["sap-s4hana"]?.["commitThenReset"]).toBeGreaterThan(0)
  expect(report.violations, `${said.join("\n")}\n${reportText(report)}`).toEqual([])
}, 360_000)
