import { Gauge, type Registry } from "prom-client"
import type { Sql } from "../base/sql.ts"
import { readFigures } from "./figures.ts"

/** Registers the number of orders per state. */
export function registerOrders(
  registry: Registry,
  countByState: () => Promise<{ state: string; count: number }[]>,
): void {
  const orders = new Gauge({
    name: "crossdock_orders",
    help: "Orders of the last 24 hours by business state.",
    labelNames: ["state"],
    registers: [registry],
    collect: async () => {
      orders.reset()
      for (const { state, count } of await countByState()) orders.set({ state }, count)
    },
  })
}

/** Registers the number of open exceptions. */
export function registerExceptions(registry: Registry, countOpen: () => Promise<number>): void {
  const exceptions: Gauge = new Gauge({
    name: "crossdock_exceptions_open",
    help: "Exceptions that wait for a decision.",
    registers: [registry],
    collect: async () => exceptions.set(await countOpen()),
  })
}

/** Registers the number of deliveries, by state. */
export function registerDeliveries(registry: Registry, sql: Sql): void {
  const deliveries = new Gauge({
    name: "crossdock_inbox_rows",
    help: "Deliveries by what became of them.",
    labelNames: ["connection", "state"],
    registers: [registry],
    collect: async () => {
      const counts = (await readFigures(sql, 24)).get("deliveries") ?? new Map<string, number>()
      deliveries.reset()
      for (const [label, count] of counts) {
        const [connection = "", state = ""] = label.split("|")
        deliveries.set({ connection, state }, count)
      }
    },
  })
}
