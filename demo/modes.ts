import type { Estate } from "../src/estate.ts"

/**
 * What the demo retailer does while one of its systems is away. The demo's minutes are short, so that there is something to see; a real
 * estate names minutes where this one names seconds.
 */
export const modes: NonNullable<Estate["policies"]["modes"]> = [
  {
    name: "ERP down",
    connection: "sap",
    enter: { awayFor: { seconds: 20 } },
    leave: { answersFor: { seconds: 10 } },
    accepts: [
      "orders, paid and unpaid",
      "cancellations and edits",
      "stock counts",
      "parcels that are already released",
    ],
    defers: ["booking of orders", "release to warehouses, which follows the booking", "invoices and postings"],
    buyersAreTold: {
      en: "We have your order. Its confirmation may take a little longer than usual.",
      de: "Ihre Bestellung ist da. Die Bestätigung kann etwas länger dauern als sonst.",
    },
    owner: "integration",
    runbooks: { it: "docs/runbooks/erp-down.md", store: "docs/runbooks/erp-down-store.md" },
  },
  {
    name: "warehouse down",
    connection: "warehouse",
    enter: { awayFor: { seconds: 20 }, waiting: 200 },
    leave: { answersFor: { seconds: 10 } },
    accepts: ["orders", "payments", "booking in the ERP", "cancellations of what is not released"],
    defers: ["release of parcels", "cancellations of parcels that are released"],
    buyersAreTold: {
      en: "We have your order. It may leave our warehouse later than usual.",
      de: "Ihre Bestellung ist da. Sie verlässt unser Lager vielleicht später als sonst.",
    },
    owner: "operations",
    runbooks: { it: "docs/runbooks/warehouse-down.md", store: "docs/runbooks/warehouse-down-store.md" },
  },
  {
    name: "payments down",
    connection: "stripe",
    enter: { awayFor: { seconds: 20 } },
    leave: { answersFor: { seconds: 10 } },
    accepts: ["orders that the shop has had paid or authorised", "booking", "release and shipping"],
    defers: ["captures of what has shipped", "refunds", "letting go of authorisations"],
    buyersAreTold: {
      en: "Refunds take a little longer than usual at the moment. Your money is on its way as soon as our bank answers.",
      de: "Erstattungen dauern zurzeit etwas länger als sonst. Ihr Geld ist unterwegs, sobald unsere Bank antwortet.",
    },
    owner: "finance",
    runbooks: { it: "docs/runbooks/payments-down.md", store: "docs/runbooks/payments-down-store.md" },
  },
  {
    name: "tax engine down",
    connection: "tax",
    enter: { awayFor: { seconds: 20 } },
    leave: { answersFor: { seconds: 10 } },
    accepts: ["everything: the tax that the shop charged is kept"],
    defers: ["nothing; the comparison with the tax engine is left out and counted"],
    owner: "finance",
    runbooks: { it: "docs/runbooks/tax-engine-down.md" },
  },
]
