import { useState } from "react"
import { useRight } from "../../api/session.ts"
import type { Pickup, PickupLine } from "../../api/store-answers.ts"
import type { useList } from "../../list/use-list.ts"
import type { Role, Shown } from "../../format/roles.ts"
import { ListFoot, NewRows } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { Link } from "../../parts/link.tsx"
import { Section } from "../../parts/page.tsx"
import { State, When } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import type { NextAct } from "./pickup-act.ts"
import { PickupDialog } from "./pickup-dialog.tsx"
import { PickupGoods } from "./pickup-goods.tsx"

const t = en.pickups
export const pickupKey = ({ pickupId }: Pickup) => pickupId

const nexts: Readonly<Record<string, NextAct>> = {
  requested: "pick",
  accepted: "pick",
  picking: "pick",
  ready: "hand over",
  "partly handed over": "hand over",
  "to put back": "put back",
}

const roles: Readonly<Record<string, Role>> = { requested: "waiting", ready: "done", "to put back": "needs" }

function stateOf({ state, readyBy }: Pickup): Shown {
  const isLate = nexts[state] === "pick" && readyBy !== undefined && Date.parse(readyBy) < Date.now()
  return isLate ? { role: "risk", word: t.late } : { role: roles[state] ?? "moving", word: state }
}

/** How much of a line matters now: what is asked, or what lies there. */
function goodsOf({ state, lines }: Pickup) {
  const isFound = nexts[state] !== "pick"
  const count = ({ askedMilli, foundMilli, takenMilli, putBackMilli }: PickupLine) =>
    isFound ? foundMilli - takenMilli - putBackMilli : askedMilli
  return <PickupGoods lines={lines} count={count} />
}

function columnsFor({
  isOff,
  choose,
}: {
  isOff: boolean
  choose: (pickup: Pickup) => void
}): readonly Column<Pickup>[] {
  return [
    {
      head: en.store.order,
      cell: ({ orderId, number }) => <Link to={paths.order(orderId)}>{number}</Link>,
      onCard: "title",
    },
    { head: en.orders.state, cell: (pickup) => <State shown={stateOf(pickup)} />, onCard: "aside" },
    { head: t.goods, cell: goodsOf, isWide: true, onCard: "text" },
    { head: t.by, cell: ({ method }) => t.methods[method] },
    {
      head: t.until,
      cell: ({ state, readyBy, keptUntil }) => <When at={nexts[state] === "pick" ? readyBy : keptUntil} />,
    },
    {
      head: t.next,
      cell: (pickup) => {
        const next = nexts[pickup.state]
        return (
          next && (
            <button type="button" className="button" disabled={isOff} onClick={() => choose(pickup)}>
              {t.acts[next]}
              <span className="unseen"> {pickup.number}</span>
            </button>
          )
        )
      },
      onCard: "text",
    },
  ]
}

/** The open pickups of a store, the oldest first, each with its next act. */
export function StorePickups({ list, isStale }: { list: ReturnType<typeof useList<Pickup>>; isStale: boolean }) {
  const right = useRight("change an order")
  const [chosen, setChosen] = useState<Pickup>()
  const [done, setDone] = useState<string>()
  if (list.rows.length === 0 && list.newCount === 0) return null
  const next = chosen && nexts[chosen.state]
  return (
    <Section title={t.title} aside={<NewRows count={list.newCount} onShow={list.showNew} />}>
      {done !== undefined && (
        <p className="lead" role="status">
          {done}
        </p>
      )}
      <List
        name={t.title}
        rows={list.rows}
        columns={columnsFor({ isOff: !right.isAllowed || isStale, choose: setChosen })}
        keyOf={pickupKey}
        nameOf={({ number }) => number}
        goneKeys={list.goneKeys}
      />
      <ListFoot list={list} />
      {!right.isAllowed && <p className="why-off">{right.reason ?? en.limits}</p>}
      {chosen && next && (
        <PickupDialog
          pickup={chosen}
          act={next}
          onClose={() => setChosen(undefined)}
          onDone={() => {
            setDone(t.told[next](chosen.number))
            setChosen(undefined)
          }}
        />
      )}
    </Section>
  )
}
