import type { Return } from "./answers.ts"
import { returnTrack } from "./track.ts"
import { Choice, Filters, ListFoot, NewRows } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { useList } from "../../list/use-list.ts"
import { Empty } from "../../parts/failed.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Page } from "../../parts/page.tsx"
import { Amount, State, When } from "../../parts/values.tsx"
import { useFilters, useGo } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.returns
const keyOf = ({ returnId }: Return) => returnId

const columns: readonly Column<Return>[] = [
  { head: en.orders.state, cell: ({ state }) => <State shown={returnTrack(state)} />, onCard: "aside" },
  { head: t.one, cell: ({ returnId }) => <Link to={paths.aReturn(returnId)}>{returnId}</Link>, onCard: "title" },
  { head: t.goods, cell: ({ goods }) => goods },
  { head: t.money, cell: ({ money }) => money },
  { head: t.books, cell: ({ books }) => books },
  { head: t.givenBack, cell: ({ givenBack }) => <Amount money={givenBack} />, isNumber: true },
  {
    head: en.exceptions.reason,
    cell: ({ reason }) => <span title={reason}>{reason}</span>,
    isWide: true,
    onCard: "text",
  },
  { head: t.requested, cell: ({ requestedAt }) => <When at={requestedAt} /> },
]

const whiches = [
  ["open", en.exceptions.open],
  ["all", en.exceptions.all],
] as const

/** Goods that come back, the newest first, each with its three tracks. */
export function ReturnsScreen() {
  const { which = "open" } = useFilters()
  const go = useGo()
  const list = useList<Return>("/v1/returns", which === "all" ? {} : { open: "true" }, { keyOf })
  return (
    <Page title={t.title} reading={list.reading}>
      <Filters onClear={undefined}>
        <Choice
          name={en.exceptions.state}
          value={which}
          choices={whiches}
          isAlwaysSet
          onChange={(value) => go(paths.returns({ which: value }))}
        />
        <NewRows count={list.newCount} onShow={list.showNew} />
      </Filters>
      <Loaded reading={list.reading} lines={8}>
        {() =>
          list.rows.length === 0 ? (
            <Empty title={t.none.title} hint={t.none.hint} />
          ) : (
            <>
              <List name={t.title} rows={list.rows} columns={columns} keyOf={keyOf} goneKeys={list.goneKeys} hasKeys />
              <ListFoot list={list} />
            </>
          )
        }
      </Loaded>
    </Page>
  )
}
