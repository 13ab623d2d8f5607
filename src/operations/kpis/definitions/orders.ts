import type { BusinessState } from "../business-states.ts"
import { amounts, log, median, moneyOf, places, shareOf, shareOfOrders, total, type Kpi } from "./kpi.ts"

/** States of orders before a warehouse or store has them. */
export const unreleased = [
  "accepted",
  "on hold",
  "reserved",
  "paid",
  "on account",
  "routed",
  "in the books",
  "waiting for the books",
]

const waiting = (states: readonly BusinessState[]) =>
  states.filter(({ kind, state }) => kind === "order" && unreleased.includes(state))

/** Orders from their placing to the buyer. */
export const orderKpis: readonly Kpi[] = [
  {
    name: "orders placed",
    better: "higher",
    means: "Orders that buyers placed, by the time they were placed.",
    ...total("orders placed"),
  },
  {
    name: "order value",
    better: "higher",
    means: "What buyers were charged for these orders, as they are now: an edit changes the hour of its order.",
    unit: "money",
    by: places,
    source: log,
    counters: ["order value"],
    of: (counters) => amounts(counters, (currency) => moneyOf(counters, "order value", currency), ["order value"]),
  },
  {
    name: "orders by payment method",
    better: "neither",
    means: "Orders by the kind of their largest payment.",
    ...total("orders by payment"),
    by: ["payment method", "channel"],
  },
  {
    name: "order completion rate",
    better: "higher",
    means:
      "Of the orders placed in that time, the share that is closed: shipped, in the books and paid. Young orders are still on their way.",
    ...shareOfOrders("orders closed"),
  },
  {
    name: "order cancellation rate",
    better: "lower",
    means: "Of the orders placed in that time, the share that was cancelled.",
    ...shareOfOrders("orders cancelled"),
  },
  {
    name: "order fallout rate",
    better: "lower",
    means:
      "Of the orders placed in that time, the share that could not go on by itself and needed a person. Outages that end by themselves do not count.",
    ...shareOfOrders("orders fallen out"),
  },
  {
    name: "manual touch rate",
    better: "lower",
    means: "Of the orders placed in that time, the share about which a person decided something.",
    ...shareOfOrders("orders touched"),
  },
  {
    name: "oversell rate",
    better: "lower",
    means: "Of the orders placed in that time, the share of which something was sold that was not there.",
    ...shareOfOrders("orders oversold"),
  },
  {
    name: "oversell incidents",
    better: "lower",
    means: "Orders of which something was sold that was not there.",
    ...total("orders oversold"),
  },
  {
    name: "order hearing time",
    means: "From the moment a buyer places an order to the moment Crossdock has it.",
    ...median("hearing time"),
  },
  {
    name: "order release time",
    means: "From the moment a buyer places an order to its release to a warehouse or store.",
    ...median("release time"),
  },
  {
    name: "fulfilment latency",
    means: "From the moment a buyer places an order to the moment the first of its goods leave.",
    ...median("leaving time"),
  },
  {
    name: "order shipping time",
    means: "From the moment a buyer places an order to the moment the last of its goods have left.",
    ...median("shipping time"),
  },
  { name: "delivery time", means: "From the first parcel of an order to its delivery.", ...median("delivery time") },
  {
    name: "order promise accuracy",
    better: "higher",
    means:
      "Of the promises on orders (released, shipped, delivered) that were decided in that time, the share that was kept. Of each promise, the last 10,000 at most.",
    ...shareOf("promises kept", "promises decided", { source: "the promises of the estate" }),
  },
  {
    name: "order backlog",
    better: "lower",
    means: "Orders that are open now, and not yet released to a warehouse or store.",
    unit: "count",
    by: places,
    source: "what is open now",
    counters: [],
    now: (states) => {
      const count = waiting(states).reduce((sum, state) => sum + state.count, 0)
      return { value: count, n: count }
    },
  },
  {
    name: "order backlog value",
    better: "lower",
    means: "What buyers were charged for the orders of the backlog.",
    unit: "money",
    by: places,
    source: "what is open now",
    counters: [],
    now: (states) => {
      const sums = new Map<string, number>()
      for (const { value } of waiting(states))
        for (const { currency, amountMinor } of value) sums.set(currency, (sums.get(currency) ?? 0) + amountMinor)
      return {
        amounts: [...sums].sort().map(([currency, amountMinor]) => ({ currency, amountMinor })),
        n: waiting(states).length,
      }
    },
  },
  {
    name: "order aging",
    better: "lower",
    means: "The age of the oldest order of the backlog, by the hour it was placed in.",
    unit: "seconds",
    by: places,
    source: "what is open now",
    counters: [],
    now: (states, nowMs) => {
      const hours = waiting(states).map(({ oldestHour }) => Date.parse(oldestHour))
      return hours.length === 0 ? undefined : { value: Math.max(0, nowMs - Math.min(...hours)) / 1000, n: hours.length }
    },
  },
]
