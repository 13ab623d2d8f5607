import { useState } from "react"
import { useRight } from "../../api/session.ts"
import type { PlaceOrder, PlaceWork } from "../../api/store-answers.ts"
import { quantityText } from "../../format/quantity.ts"
import { orderState } from "../../format/roles.ts"
import { NewRows } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { useSteadyRows } from "../../list/steady-rows.ts"
import { Link } from "../../parts/link.tsx"
import { copies } from "../../parts/menu.tsx"
import { Section } from "../../parts/page.tsx"
import { State, When } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { CannotPick } from "./cannot-pick.tsx"

const t = en.store
const keyOf = ({ orderId }: PlaceOrder) => orderId

function columnsFor({
  isOff,
  choose,
}: {
  isOff: boolean
  choose: (order: PlaceOrder) => void
}): readonly Column<PlaceOrder>[] {
  return [
    {
      head: t.order,
      cell: ({ orderId, number }) => <Link to={paths.order(orderId)}>{number}</Link>,
      onCard: "title",
    },
    {
      head: en.orders.state,
      cell: ({ state, exceptions }) => (
        <State shown={exceptions > 0 ? { role: "needs", word: t.askPerson } : orderState(state)} />
      ),
      onCard: "aside",
    },
    {
      head: t.takes,
      cell: ({ lines }) => lines.map(({ sku, heldMilli }) => `${quantityText(heldMilli)} × ${sku}`).join(", "),
      isWide: true,
      onCard: "text",
    },
    { head: t.waits, cell: ({ reservedAt }) => <When at={reservedAt} /> },
    {
      head: t.notFound,
      cell: (order) => (
        <button type="button" className="button" disabled={isOff} onClick={() => choose(order)}>
          {t.notFound}
          <span className="unseen"> {order.number}</span>
        </button>
      ),
      onCard: "text",
    },
  ]
}

/** What is to be sent from a store, the oldest first. */
export function StoreOrders({ place, work, isStale }: { place: string; work: PlaceWork; isStale: boolean }) {
  const right = useRight("change an order")
  const [chosen, setChosen] = useState<PlaceOrder>()
  const [reported, setReported] = useState<string>()
  const list = useSteadyRows(work.orders, { keyOf, listKey: place, pages: 1, hasMore: !work.isComplete })
  const isOff = !right.isAllowed || isStale
  const columns = columnsFor({ isOff, choose: setChosen })
  // What was sent or reported meanwhile stays, struck out; where nothing ever was, the headline says so.
  if (list.rows.length === 0 && list.newCount === 0) return null
  return (
    <Section title={t.orders} aside={<NewRows count={list.newCount} onShow={list.showNew} />}>
      {reported !== undefined && (
        <p className="lead" role="status">
          {t.reported(reported)}
        </p>
      )}
      <List
        name={t.orders}
        rows={list.rows}
        columns={columns}
        keyOf={keyOf}
        nameOf={({ number }) => number}
        goneKeys={list.goneKeys}
        menuOf={({ orderId }) => copies(paths.order(orderId), orderId)}
        hasKeys
      />
      {!work.isComplete && <p className="dim">{t.notAll}</p>}
      {!right.isAllowed && <p className="why-off">{right.reason ?? en.limits}</p>}
      {chosen && (
        <CannotPick
          order={chosen}
          place={place}
          onClose={() => setChosen(undefined)}
          onDone={() => {
            setReported(chosen.number)
            setChosen(undefined)
          }}
        />
      )}
    </Section>
  )
}
