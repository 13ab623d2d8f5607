import type { ReactNode } from "react"
import type { Kpis } from "../../api/system-answers.ts"
import { countText } from "../../format/quantity.ts"
import { Link } from "../../parts/link.tsx"
import { Amounts } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.today

/** The day in four figures; each leads to its list. */
export function Figures({ kpis, causes }: { kpis: Kpis; causes: number | undefined }) {
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
        more={
          <>
            {causes === undefined ? "" : t.causes(causes)}
            {kpis.atRisk.length > 0 && (
              <>
                {" · "}
                {t.atRisk.toLowerCase()} <Amounts amounts={kpis.atRisk} />
              </>
            )}
          </>
        }
      />
    </ul>
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
