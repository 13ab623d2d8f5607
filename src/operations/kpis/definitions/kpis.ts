import type { Kpi } from "./kpi.ts"
import { orderKpis } from "./orders.ts"
import { workKpis } from "./work.ts"

/** Every figure that today's facts carry. */
export const kpis: readonly Kpi[] = [...orderKpis, ...workKpis]

/** Figures that were asked for and are not counted, each with the reason and what answers instead. They are listed, never estimated. */
export const unknownKpis: readonly { name: string; why: string }[] = [
  {
    name: "stock accuracy by channel",
    why: "what a channel shows is kept as it is now, not as events: `GET /v1/channels` has how much of it differs, waits or is refused",
  },
  {
    name: "replenishment signal freshness",
    why: "figures are counted from events, and silence is none: `GET /v1/replenishment` has the age of each source",
  },
  {
    name: "stock-outs and overstock by class of article",
    why: "figures are told apart by channel, store and region, not by article; the catalogue has the category of each",
  },
  {
    name: "unposted sales of stores",
    why: "a store's day is posted as a whole, with its cash and its tenders: `GET /v1/objects?kind=storeDay` has which days are posted, `GET /v1/store-days/{storeId}/{businessDay}` what one waits for",
  },
  { name: "time to close a period", why: "needs the periods of the books, as events" },
  { name: "support cases", why: "needs the support desk's system" },
  { name: "days from the start of a connector to live", why: "needs when work on it began; nobody says so here" },
  {
    name: "CPU by order and channel",
    why: "processes share their CPU among channels; the benchmark measures it by order",
  },
]
