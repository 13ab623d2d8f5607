import type { Why } from "../../api/figure-answers.ts"
import { countText } from "../../format/quantity.ts"
import { useZone } from "../../parts/values.tsx"
import { en } from "../../texts/en.ts"
import { BarChart } from "./chart.tsx"

const t = en.figures

/** Orders of the last hours against what is usual. */
export function OrdersByHour({ hours }: { hours: Why["hours"] }) {
  const zone = useZone()
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", timeZone: zone.timeZone })
  if (hours.every(({ now, expected }) => now === 0 && expected === 0)) return <p className="dim">{t.noOrders}</p>
  const bars = hours.map(({ hour, now, low, high, expected, is }) => {
    const label = clock.format(new Date(hour))
    const isKnown = is !== "not enough data"
    const usual = isKnown ? t.flow(countText(now), countText(Math.round(expected))) : countText(now)
    return {
      key: hour,
      label,
      value: now,
      isLow: is === "low",
      says: `${label}: ${usual}${isKnown ? ` (${is})` : ` (${en.figures.verdicts["not enough data"].toLowerCase()})`}`,
      ...(isKnown ? { band: { low, high } } : {}),
    }
  })
  return <BarChart name={t.ordersByHour} about={t.ordersByHourAbout} bars={bars} heads={[t.hour, t.orders, t.usual]} />
}
