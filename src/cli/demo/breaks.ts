import { orderIdOf } from "../../base/ids.ts"
import { own } from "../../base/lookup.ts"
import { businessDate, dayAfter, instant, systemClock, type BusinessDate } from "../../base/time.ts"

/** The demo estate as a break needs it: its simulators' controls, and the public API. */
export interface DemoWorld {
  /** Calls a control of a simulator (`shopify`, `sap`, `warehouse`), named by method and path. */
  lab(simulator: string, what: `${"PUT" | "POST"} /__lab/${string}`, body: object): Promise<unknown>
  api: {
    get<Answer>(path: string): Promise<Answer>
    post<Answer>(path: string, body: unknown): Promise<Answer>
  }
  /** How it trades on an ordinary day. */
  ordinary: { ordersPerSecond: number; faults: Readonly<Record<string, object>> }
}

interface Break {
  /** What goes wrong, for the help. */
  what: string
  /** Breaks it, and says what happens now and where in the console it shows. */
  begin(world: DemoWorld): Promise<string>
  /** Puts the outside world right again. What people have to decide stays for them. */
  end(world: DemoWorld): Promise<unknown>
}

/** Sold most of all. */
const renamed = { sku: "SKU-00001", soldAs: "TSHIRT-NEW-1" }
const mishapsOnOrdinaryDays = 0.03
/** Of an ordinary day's orders while demand is down. */
const demandLeft = 0.1
const refundsRefused = 6
/** The demo estate lets buyers have it before it is there. */
const soldAhead = "SKU-00011"
const ordersShort = 8
const foundMilli = 240_000
/** Each has a delivery and an invoice. */
const ordersPosted = 20

/** What can be broken in the demo estate, each as it goes wrong in real ones. */
export const breaks: Readonly<Record<string, Break>> = {
  mapping: {
    what: "the shop sells its best article under a new name that Crossdock cannot know",
    async begin(world) {
      await world.lab("shopify", "PUT /__lab/articles", renamed)
      // So that there is something to see at once, whatever buyers choose.
      await world.lab("shopify", "POST /__lab/orders", { count: 5, skus: [renamed.sku], odd: false })
      return (
        `The shop now sells ${renamed.sku} as ${renamed.soldAs}. Its orders wait: Exceptions, "article is unknown". ` +
        `Map ${renamed.soldAs} to ${renamed.sku} there, or on Stock.`
      )
    },
    end: (world) => world.lab("shopify", "PUT /__lab/articles", {}),
  },
  erp: {
    what: "the ERP does not answer",
    async begin(world) {
      await world.lab("sap", "PUT /__lab/faults", { ...faultsOf(world, "sap-s4hana"), outage: true })
      return (
        "The ERP does not answer any more. Today says so; Connections, sap, shows what waits for it and since when. " +
        "Orders keep coming in. `crossdock demo mend erp` brings it back; what waits then goes on by itself, at the ERP's pace."
      )
    },
    end: (world) => world.lab("sap", "PUT /__lab/faults", faultsOf(world, "sap-s4hana")),
  },
  refunds: {
    what: "refunds of one payment method are refused",
    async begin(world) {
      await world.lab("shopify", "PUT /__lab/payments", { refusesRefunds: true })
      const count = await cancelPaidOrders(world)
      return (
        `The shop's own payments refuse refunds, and ${count} buyers have cancelled what they paid that way. ` +
        "Exceptions has one group of their refunds. `crossdock demo mend refunds` puts the payments right; then retry all cases of the group."
      )
    },
    end: (world) => world.lab("shopify", "PUT /__lab/payments", { refusesRefunds: false }),
  },
  carrier: {
    what: "every parcel has a mishap: nobody at home, damaged, lost",
    async begin(world) {
      await world.lab("warehouse", "PUT /__lab/habits", { mishapShare: 1 })
      return "Every parcel that leaves now has a mishap. Exceptions shows them by what happened, with customer service as owner."
    },
    end: (world) => world.lab("warehouse", "PUT /__lab/habits", { mishapShare: mishapsOnOrdinaryDays }),
  },
  shortfall: {
    what: "a stocktake finds none of an article that is sold before it is there",
    async begin(world) {
      for (const place of await placesOf(world)) await count(world, place, 0)
      await world.lab("shopify", "POST /__lab/orders", ordersOf(soldAhead, ordersShort))
      return (
        `No place has ${soldAhead} any more, and ${ordersShort} buyers have just bought it. Exceptions has one group, ` +
        "“goods are nowhere”, with their money. `crossdock demo mend shortfall` has the goods found: the orders then go on and " +
        "the group closes by itself. Or cancel them there, all at once."
      )
    },
    async end(world) {
      const { places } = await world.api.get<{ places: { onHandMilli: number }[] }>(`/v1/stock/${soldAhead}`)
      const [first] = await placesOf(world)
      // On an ordinary day there is nothing to be found.
      if (first !== undefined && places.every(({ onHandMilli }) => onHandMilli <= 0))
        await count(world, first, foundMilli)
    },
  },
  period: {
    what: "the ERP's books are closed to the end of this month, too early",
    async begin(world) {
      const openFrom = firstOfNextMonth(businessDate(instant(systemClock.now()), { timeZone: "Europe/Amsterdam" }))
      await world.lab("sap", "PUT /__lab/periods", { openFrom })
      await world.lab("shopify", "POST /__lab/orders", ordersOf("SKU-00003", ordersPosted))
      return (
        `The ERP posts nothing before ${openFrom}, and no day that is over is open. What ships now cannot be posted: delivery and ` +
        `invoice of ${ordersPosted} orders and more. Exceptions has one group of finance, “posting period is closed”: post all of it on ` +
        `${openFrom}. \`crossdock demo mend period\` opens the month again; then retry what came meanwhile.`
      )
    },
    end: (world) => world.lab("sap", "PUT /__lab/periods", {}),
  },
  demand: {
    what: "buyers stay away: a tenth of the orders",
    async begin(world) {
      const ordersPerSecond = world.ordinary.ordersPerSecond * demandLeft
      await world.lab("shopify", "POST /__lab/trading", { ordersPerSecond })
      return "A tenth of the usual orders comes in, and nothing is wrong with any system. Today shows the orders per minute fall."
    },
    end: ({ lab, ordinary: { ordersPerSecond } }) => lab("shopify", "POST /__lab/trading", { ordersPerSecond }),
  },
}

const ordersOf = (sku: string, count: number) => ({ count, skus: [sku], odd: false, payment: "authorised" })

async function placesOf({ api }: DemoWorld): Promise<string[]> {
  const { items } = await api.get<{ items: { id: string; kind: string }[] }>("/v1/locations")
  // Warehouses first: they have a whole pallet of it.
  return items.toSorted((a, b) => Number(a.kind !== "warehouse") - Number(b.kind !== "warehouse")).map(({ id }) => id)
}

/** Somebody counts an article that buyers get before it is there. */
function count({ api }: DemoWorld, place: string, countedMilli: number): Promise<unknown> {
  const fact = `stocktake at ${instant(systemClock.now())}`
  return api.post(`/v1/locations/${encodeURIComponent(place)}/counts`, { fact, sku: soldAhead, countedMilli })
}

/** The 32nd of a month is always in the next one. */
const firstOfNextMonth = (day: BusinessDate): BusinessDate => `${dayAfter(`${day.slice(0, 7)}-01`, 31).slice(0, 7)}-01`

const faultsOf = ({ ordinary }: DemoWorld, simulator: string) => own(ordinary.faults, simulator) ?? {}

/** Orders paid by the shop's own payments, on hold so that nothing leaves, and cancelled by their buyers. */
async function cancelPaidOrders(world: DemoWorld): Promise<number> {
  const sku = "SKU-00003"
  const wish = { count: refundsRefused, skus: [sku], held: [sku], odd: false, payment: "paid" }
  const { orders } = (await world.lab("shopify", "POST /__lab/orders", wish)) as { orders: { id: number }[] }
  let cancelled = 0
  for (const { id } of orders) {
    const orderId = orderIdOf("shopify", String(id))
    if (!(await untilKnown(world, orderId))) continue
    await world.api.post(`/v1/orders/${orderId}/cancellation`, { reason: "the buyer changed their mind" })
    cancelled += 1
  }
  return cancelled
}

const looksMax = 60
const lookEveryMs = 250

/** The shop's webhook may be late, or dropped on an ordinary day. */
async function untilKnown({ api }: DemoWorld, orderId: string): Promise<boolean> {
  for (let look = 0; look < looksMax; look += 1) {
    const { items } = await api.get<{ items: { id: string }[] }>("/v1/orders?limit=200")
    if (items.some(({ id }) => id === orderId)) return true
    await new Promise((done) => setTimeout(done, lookEveryMs))
  }
  return false
}
