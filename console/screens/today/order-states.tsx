import { orderState } from "../../format/roles.ts"
import { countText } from "../../format/quantity.ts"
import { Link } from "../../parts/link.tsx"
import { State } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

/** Orders by state, each with a bar as long as its share. */
export function OrderStates({ byState }: { byState: Readonly<Record<string, number>> }) {
  const states = Object.entries(byState).sort(([, a], [, b]) => b - a)
  if (states.length === 0) return <p className="dim">{en.figures.noOrders}</p>
  const largest = Math.max(1, ...states.map(([, count]) => count))
  return (
    <ul className="bars">
      {states.map(([state, count]) => {
        const shown = orderState(state)
        return (
          <li key={state}>
            <Link to={paths.orders({ state })}>
              <State shown={shown} />
            </Link>
            <span className="bar" aria-hidden="true">
              <i className={shown.role} style={{ width: `${Math.max(0.5, (count / largest) * 100)}%` }} />
            </span>
            <span className="amount">{countText(count)}</span>
          </li>
        )
      })}
    </ul>
  )
}
