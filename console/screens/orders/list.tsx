import type { BusinessObject } from "../../api/answers.ts"
import { objectState } from "../../format/roles.ts"
import { csvText, download } from "../../format/csv.ts"
import { Choice, Filters, ListFoot, NewRows } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { useList } from "../../list/use-list.ts"
import { Empty } from "../../parts/failed.tsx"
import { Link } from "../../parts/link.tsx"
import { copies } from "../../parts/menu.tsx"
import { Loaded, Page } from "../../parts/page.tsx"
import { Amount, State, When } from "../../parts/values.tsx"
import { useFilters, useGo } from "../../routes/navigation.ts"
import { paths, type OrderFilters } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.orders
const keyOf = ({ ref }: BusinessObject) => ref
const nameOf = ({ number, id }: BusinessObject) => number ?? id

const whiches = [
  ["all", t.which.all],
  ["open", t.which.open],
  ["ended", t.which.ended],
] as const
/** In the usual order of an order's life. */
const states = [
  "accepted",
  "on hold",
  "reserved",
  "paid",
  "on account",
  "routed",
  "in the books",
  "waiting for the books",
  "released",
  "partly shipped",
  "shipped",
  "closed",
  "cancelling",
  "cancelled",
  "refused",
  "not taken over",
].map((state) => [state, state] as const)

const columns: readonly Column<BusinessObject>[] = [
  { head: t.number, cell: (one) => <Link to={paths.order(one.id)}>{nameOf(one)}</Link>, onCard: "title" },
  { head: t.state, cell: (one) => <State shown={objectState(one)} />, onCard: "aside" },
  { head: t.reason, cell: ({ reason }) => <span title={reason}>{reason}</span>, isWide: true, onCard: "text" },
  { head: t.channel, cell: ({ channel }) => channel },
  { head: t.total, cell: ({ value }) => <Amount money={value} />, isNumber: true },
  { head: t.since, cell: ({ since }) => <When at={since} /> },
  { head: t.placed, cell: ({ openedAt }) => <When at={openedAt} isShort /> },
]

export function OrdersScreen() {
  const go = useGo()
  const { state, channel, which } = useFilters()
  const set = (change: OrderFilters) => go(paths.orders({ state, channel, which, ...change }))
  const list = useList<BusinessObject>("/v1/objects", { kind: "order", state, channel, which }, { keyOf })
  const isFiltered = state !== undefined || channel !== undefined || which !== undefined
  const channels = [...new Set(list.rows.flatMap((row) => row.channel ?? []))].map((one) => [one, one] as const)
  const menuOf = (one: BusinessObject) => [
    { name: en.list.open, act: () => go(paths.order(one.id)) },
    { name: en.exceptions.title, act: () => go(paths.cases({ state: "all", order: one.id })) },
    ...copies(paths.order(one.id), one.id),
  ]
  return (
    <Page title={t.title} reading={list.reading}>
      <Filters onClear={isFiltered ? () => go(paths.orders()) : undefined}>
        <Choice
          name={t.title}
          value={which ?? "all"}
          choices={whiches}
          isAlwaysSet
          onChange={(value) => set({ which: value === "all" ? undefined : value })}
        />
        <Choice name={t.state} value={state} choices={states} onChange={(value) => set({ state: value })} />
        <Choice name={t.channel} value={channel} choices={channels} onChange={(value) => set({ channel: value })} />
        <NewRows count={list.newCount} onShow={list.showNew} />
      </Filters>
      <Loaded reading={list.reading} lines={12}>
        {() =>
          list.rows.length === 0 ? (
            <Empty
              {...(isFiltered ? en.empty.noneMatch : en.empty.noneYet)}
              {...(isFiltered ? { action: { name: en.list.clearFilters, act: () => go(paths.orders()) } } : {})}
            />
          ) : (
            <>
              <List
                name={t.title}
                rows={list.rows}
                columns={columns}
                keyOf={keyOf}
                nameOf={nameOf}
                goneKeys={list.goneKeys}
                menuOf={menuOf}
                hasKeys
              />
              <ListFoot list={list} onCsv={() => saveOrders(list.rows)} />
            </>
          )
        }
      </Loaded>
    </Page>
  )
}

function saveOrders(rows: readonly BusinessObject[]): void {
  const head = ["id", "number", "channel", "state", "reason", "total", "placedAt", "since"]
  const fields = rows.map((one) => {
    return [one.id, one.number, one.channel, one.state, one.reason, one.value, one.openedAt, one.since]
  })
  download("orders.csv", csvText(head, fields))
}
