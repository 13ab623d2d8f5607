import { durationText } from "../../base/time.ts"
import type { Api } from "../api.ts"
import { table } from "../table.ts"
import { word, type Page } from "../with-api.ts"

interface Signal {
  sku: string
  locationId: string
  availableMilli: number
  inTransitMilli: number
  onOrder: { milli: number; overdueMilli: number; nextExpectedOn?: string }
  demand: { milliPerDay: number }
  daysOfCover: number | null
  leadTime: { count: number; medianDays?: number; declaredDays?: number }
  stockAgeMs: number | null
  below: { threshold: string }[]
}

/** The signal to planning as people read it: the first hundred of what is asked. */
export async function replenishment(api: Api, values: Readonly<Record<string, string | boolean | undefined>>) {
  const found = await api.get<Page<Signal>>("/v1/replenishment", {
    sku: word(values["sku"]),
    location: word(values["location"]),
    below: word(values["below"]),
    limit: "100",
  })
  return { data: found, text: () => signalText(found.items) }
}

const units = (milli: number) => String(milli / 1000)

function signalText(items: readonly Signal[]): string {
  if (items.length === 0) return "nothing of that is known"
  const rows = items.map((one) => [
    one.sku,
    one.locationId,
    units(one.availableMilli),
    units(one.inTransitMilli),
    units(one.onOrder.milli) + (one.onOrder.overdueMilli > 0 ? ` (${units(one.onOrder.overdueMilli)} overdue)` : ""),
    one.onOrder.nextExpectedOn ?? "",
    (one.demand.milliPerDay / 1000).toFixed(1),
    one.daysOfCover === null ? "" : one.daysOfCover.toFixed(1),
    leadText(one.leadTime),
    one.stockAgeMs === null ? "never heard" : `${durationText(one.stockAgeMs)} ago`,
    one.below.map(({ threshold }) => threshold).join(", "),
  ])
  return table(
    ["SKU", "place", "free", "in transit", "on order", "next", "a day", "days left", "lead time", "heard", "below"],
    rows,
  )
}

function leadText({ count, medianDays, declaredDays }: Signal["leadTime"]): string {
  if (medianDays !== undefined) return `${medianDays} days (${count})`
  return declaredDays === undefined ? "" : `${declaredDays} days declared`
}
