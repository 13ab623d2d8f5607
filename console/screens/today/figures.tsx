import type { ReactNode } from "react"
import type { Kpis } from "../../api/system-answers.ts"
import type { Exception } from "../../api/answers.ts"
import { sumByCurrency } from "../../format/money.ts"
import { countText } from "../../format/quantity.ts"
import { Link } from "../../parts/link.tsx"
import { Amounts } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.today

/** The day in four figures; each leads to its list. */
export function Figures({ kpis, open }: { kpis: Kpis; open: readonly Exception[] }) {
  const perMinute = countText(Math.round(kpis.orders.perSecondLastMinute * 60))
  const shipped = kpis.money.map(({ currency, shippedMinor }) => ({ currency, amountMinor: shippedMinor }))
  const booked = kpis.money.map(({ currency, bookedMinor }) => ({ currency, amountMinor: bookedMinor }))
  return (
    <ul className="figures">
      <Figure name={t.orders} to={paths.orders()} value={countText(kpis.orders.total)} more={t.perMinute(perMinute)} />
      <Figure name={t.shipped} to={paths.books()} value={<Amounts amounts={shipped} />} />
      <Figure name={t.booked} to={paths.books()} value={<Amounts amounts={booked} />} />
      <Figure
        name={t.needsPeople}
        to={paths.exceptions()}
        value={countText(kpis.exceptionsOpen)}
        more={<AtRisk open={open} />}
      />
    </ul>
  )
}

/** Of each object once: several exceptions of one order put the same money at risk. */
function AtRisk({ open }: { open: readonly Exception[] }) {
  const largest = new Map<string, Exception>()
  for (const one of open) {
    const key = one.orderId ?? one.id
    if ((one.atRisk?.amountMinor ?? 0) >= (largest.get(key)?.atRisk?.amountMinor ?? 0)) largest.set(key, one)
  }
  const sums = sumByCurrency([...largest.values()].map(({ atRisk }) => atRisk))
  if (sums.length === 0) return null
  return (
    <span>
      {t.atRisk} <Amounts amounts={sums} />
    </span>
  )
}

function Figure({ name, to, value, more }: { name: string; to: string; value: ReactNode; more?: ReactNode }) {
  return (
    <li>
      <Link to={to} className="figure">
        <span className="figure-name">{name}</span>
        <span className="figure-value">{value}</span>
        {more && <span className="dim">{more}</span>}
      </Link>
    </li>
  )
}
