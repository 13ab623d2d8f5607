import type { Connection, Kpis } from "../../api/system-answers.ts"
import { connectionState } from "../../format/connection.ts"
import { amountText } from "../../format/money.ts"
import { StateIcon } from "../../parts/icon.tsx"
import { Link } from "../../parts/link.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.today

/** "Money flows", or where it does not. */
export function Headline({ kpis, connections }: { kpis: Kpis; connections: readonly Connection[] }) {
  const away = connections.filter((one) => connectionState(one).role === "stopped" || one.isPaused)
  const unbooked = kpis.money.filter(({ shippedMinor, bookedMinor }) => shippedMinor > bookedMinor)
  const isWell = away.length === 0
  return (
    <div className={isWell ? "headline done" : "headline stopped"}>
      <StateIcon role={isWell ? "done" : "stopped"} />
      <div>
        <p className="headline-title">{isWell ? t.flows : t.stuck}</p>
        <p>
          {away.map((one) => (
            <span key={one.id}>
              <Link to={paths.connection(one.id)}>{one.id}</Link> {connectionState(one).word}.{" "}
            </span>
          ))}
          {unbooked.length > 0 ? (
            <Link to={paths.books()}>
              {t.notBooked(
                unbooked
                  .map(({ shippedMinor, bookedMinor, currency }) => {
                    const amountMinor = shippedMinor - bookedMinor
                    return `${amountText({ amountMinor, currency })} ${currency}`
                  })
                  .join(", "),
              )}
            </Link>
          ) : (
            isWell && t.flowsHint
          )}
        </p>
      </div>
    </div>
  )
}
