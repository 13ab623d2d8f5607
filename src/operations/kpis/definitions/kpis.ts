import type { Kpi } from "./kpi.ts"
import { orderKpis } from "./orders.ts"
import { workKpis } from "./work.ts"

/** Every figure that today's facts carry. */
export const kpis: readonly Kpi[] = [...orderKpis, ...workKpis]

/** Figures that were asked for and that no fact carries yet, each with the reason. They are listed, never estimated. */
export const unknownKpis: readonly { name: string; why: string }[] = [
  { name: "stock accuracy by channel", why: "needs what each channel shows: no channel's stock is published yet" },
  {
    name: "replenishment signal freshness",
    why: "figures are counted from events, and silence is none: `GET /v1/replenishment` has the age of each source",
  },
  { name: "stock-outs and overstock by class of article", why: "needs classes of articles: no product master is read" },
  { name: "unposted sales of stores", why: "needs tills: no sale of a till is read" },
  { name: "time to close a period", why: "needs the periods of the books, as events" },
  { name: "support cases", why: "needs the support desk's system" },
  { name: "days from the start of a connector to live", why: "needs when work on it began; nobody says so here" },
  {
    name: "CPU by order and channel",
    why: "processes share their CPU among channels; the benchmark measures it by order",
  },
]
