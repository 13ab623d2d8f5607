import type { Estate } from "../src/estate.ts"

// What the demo's retailer promises; docs/guides/promises-and-alerts.md explains each field.
export const promises: NonNullable<Estate["policies"]["promises"]> = {
  "orders released": {
    of: "order released",
    within: { minutes: 10 },
    target: 0.99,
    per: ["channel"],
    moneyFloor: 500,
    severity: "page",
    runbook: "docs/guides/operate-exceptions.md",
    ifNobodyActs: "buyers get their goods later than the shop says",
  },
  "orders shipped": { of: "order shipped", within: { days: 2 }, target: 0.95, per: ["channel"] },
  "sales posted": {
    of: "sale posted",
    by: "02:00",
    target: 0.99,
    per: ["store", "channel"],
    owner: "finance",
    ifNobodyActs: "the day's sales are not in the books when finance looks",
  },
  "refunds closed": {
    of: "refund closed",
    within: { days: 3 },
    target: 0.99,
    per: ["method", "channel"],
    owner: "finance",
    severity: "page",
    ifNobodyActs: "buyers wait for their money",
  },
  "shortages ended": { of: "shortage ended", within: { hours: 4 }, target: 0.9, per: ["channel"] },
}
