import type { BusinessStates } from "../../api/figure-answers.ts"
import { gapText } from "../../format/time.ts"
import { useNow } from "../../parts/now.ts"
import { en } from "../../texts/en.ts"
import { BarChart } from "./chart.tsx"

const t = en.figures
const hourMs = 3_600_000
/** Upper ends of ages; the last bar holds what is older. */
const ends = [1, 4, 12, 24, 72, 168].map((hours) => hours * hourMs)

/** Open orders by how long ago they were placed, to the hour. */
export function BacklogAge({ ages }: { ages: BusinessStates["ages"] }) {
  const nowMs = useNow()
  const counts = Array.from({ length: ends.length + 1 }, () => 0)
  for (const { hour, count } of ages) {
    const age = nowMs - Date.parse(hour)
    const place = ends.findIndex((end) => age < end)
    const index = place < 0 ? ends.length : place
    counts[index] = (counts[index] ?? 0) + count
  }
  const bars = counts.map((value, index) => {
    const end = ends[index]
    const label = end === undefined ? `> ${gapText(ends.at(-1) ?? 0)}` : `< ${gapText(end)}`
    const words = end === undefined ? t.over(gapText(ends.at(-1) ?? 0)) : t.under(gapText(end))
    return { key: label, label, value, isLow: index > 3 && value > 0, says: `${words}: ${value}` }
  })
  return (
    <BarChart
      width={400}
      name={t.backlogAge}
      about={t.backlogAgeAbout}
      bars={bars}
      heads={[t.age, t.orders, t.usual]}
    />
  )
}
