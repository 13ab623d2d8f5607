import { amounts, log, median, moneyOf, places, share, shareOf, total, type Kpi } from "./kpi.ts"

const ledger = { by: ["store", "region"], source: "the stock ledger" } as const

/** Money, other systems, people's work, stock. */
export const workKpis: readonly Kpi[] = [
  {
    name: "refund cycle time",
    means: "From the moment a cancellation, return or refund is asked for to the refund of the money.",
    ...median("refund time", { by: ["channel", "store", "region", "payment method"] }),
  },
  {
    name: "return cycle time",
    means: "From the request of a return to its end.",
    ...median("return time"),
  },
  {
    name: "credit posting time",
    means: "From a refund that a shop made after goods had left to the end of what follows in books and stock.",
    ...median("credit time"),
  },
  {
    name: "sales posting latency",
    means: "From the moment the first goods of an order leave to the posting of its first invoice.",
    ...median("posting time"),
  },
  {
    name: "unposted sales",
    better: "lower",
    means: "Value of goods that left in that time, less what was posted in it. Negative where older sales were posted.",
    unit: "money",
    by: places,
    source: log,
    counters: ["money shipped", "money booked"],
    of: (counters) => {
      const minor = (currency: string) =>
        moneyOf(counters, "money shipped", currency) - moneyOf(counters, "money booked", currency)
      return amounts(counters, minor, ["money shipped", "money booked"])
    },
  },
  {
    name: "integration failure rate",
    better: "lower",
    means:
      "Of what Crossdock wanted of other systems in that time, the share that is refused, failed or without a clear answer.",
    unit: "share",
    by: ["connection"],
    source: "calls to other systems",
    counters: ["effects"],
    of: (counters) =>
      share(
        counters.sum("effects", (label) => !label.endsWith("|done") && !label.endsWith("|superseded")),
        counters.sum("effects"),
      ),
  },
  {
    name: "unreadable deliveries",
    better: "lower",
    means: "Of what other systems sent in that time, the share that could not be understood and waits for a person.",
    unit: "share",
    by: ["connection"],
    source: "deliveries",
    counters: ["deliveries"],
    of: (counters) =>
      share(
        counters.sum("deliveries", (label) => label.endsWith("|parked")),
        counters.sum("deliveries"),
      ),
  },
  {
    name: "calls per order",
    better: "lower",
    means: "Calls to other systems that change something, for each order placed in that time.",
    unit: "calls",
    by: [],
    source: "calls to other systems, the event log",
    counters: ["attempts", "orders placed"],
    of: (counters) => {
      const orders = counters.sum("orders placed")
      return orders > 0 ? { value: counters.sum("attempts") / orders, n: orders } : undefined
    },
  },
  {
    name: "exceptions opened",
    better: "lower",
    means: "Cases that needed a person, or ended by themselves.",
    ...total("exceptions opened"),
  },
  {
    name: "decisions by people",
    better: "lower",
    means: "Exceptions that a person decided.",
    ...total("exceptions decided by people"),
  },
  {
    name: "time to detect",
    means: "From the last progress of an order to the exception that tells people of it.",
    ...median("detection time"),
  },
  {
    name: "time to resolve",
    means: "From the opening of an exception to its end, by a person or by itself.",
    ...median("resolution time"),
  },
  {
    name: "checks skipped",
    better: "lower",
    means: "Checks of orders that could not be made, e.g. of tax.",
    ...total("checks skipped"),
  },
  {
    name: "inventory latency",
    means: "From the moment stock is counted in a system to the moment Crossdock knows it.",
    ...median("age of counts", { by: ["store", "region"] }),
  },
  {
    name: "stock accuracy",
    better: "higher",
    means: "Of the counts of stock in that time, the share that found what Crossdock expected.",
    ...shareOf("exact counts", "counts", ledger),
  },
  {
    name: "stock variance",
    better: "lower",
    means: "Units by which counts differed from what was expected, up or down, as a share of the units counted.",
    ...shareOf("differing milli", "counted milli", ledger),
  },
]
