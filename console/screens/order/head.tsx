import type { Exception, Order, Trace } from "../../api/answers.ts"
import { sumByCurrency } from "../../format/money.ts"
import { waitText } from "../../format/waits.ts"
import { Link } from "../../parts/link.tsx"
import { Facts } from "../../parts/page.tsx"
import { Amount, Amounts, When } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.order

/** Where an order stands: what it waits for, until when, and what is at risk. */
export function OrderHead({
  order,
  trace,
  open,
}: {
  order: Order
  trace: Trace | undefined
  open: readonly Exception[]
}) {
  const address = order.document?.shippingAddress
  const place = [address?.postalCode, address?.city, address?.countryCode].filter(Boolean).join(" ")
  return (
    <>
      <Facts
        facts={[
          [t.waitsFor, <WaitsFor key="waits" order={order} trace={trace} open={open} />],
          [en.orders.since, <When key="since" at={order.changedAt} hasZone />],
          [t.placed, <When key="placed" at={order.placedAt} />],
          [t.total, <Amount key="total" money={order.total} />],
          ...(open.length === 0 ? [] : ([[t.atRisk, <Amounts key="risk" amounts={riskOf(open)} />]] as const)),
          [en.orders.channel, order.channel],
          ...(order.document?.customer?.name === undefined ? [] : ([[t.buyer, order.document.customer.name]] as const)),
          ...(place === "" ? [] : ([[t.shipTo, place]] as const)),
        ]}
      />
      {order.reason !== undefined && <p className="lead dim">{order.reason}</p>}
    </>
  )
}

/** Several exceptions of one order put the same money at risk: the largest counts. */
function riskOf(open: readonly Exception[]) {
  const largest = new Map<string, number>()
  for (const { atRisk } of open)
    if (atRisk) largest.set(atRisk.currency, Math.max(largest.get(atRisk.currency) ?? 0, atRisk.amountMinor))
  return sumByCurrency([...largest].map(([currency, amountMinor]) => ({ amountMinor, currency })))
}

function WaitsFor({ order, trace, open }: { order: Order; trace: Trace | undefined; open: readonly Exception[] }) {
  const asked = open.find(({ allowedActions }) => allowedActions.length > 0)
  if (asked) return <Link to={paths.exception(asked.id)}>{t.person(asked.allowedActions.join(", "))}</Link>
  const waits = trace?.workflows?.flatMap(({ waitingFor }) => waitingFor ?? []) ?? []
  const [first] = waits
  if (order.finishedAt !== undefined && !first) return <span className="dim">{t.nothingOpen}</span>
  if (!first) return <span className="dim">{t.goesOn}</span>
  return (
    <span>
      {waitText(first)}
      {first.until !== undefined && (
        <span className="dim">
          {" · "}
          <When at={first.until} />
        </span>
      )}
    </span>
  )
}
