import { useMemo } from "react"
import type { Exception } from "../../api/answers.ts"
import { exceptionState } from "../../format/roles.ts"
import { csvText, download } from "../../format/csv.ts"
import { Choice, Filters, ListFoot, NewRows, SelectionBar } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { useList, useSelection } from "../../list/use-list.ts"
import { Empty } from "../../parts/failed.tsx"
import { Link } from "../../parts/link.tsx"
import { copies } from "../../parts/menu.tsx"
import { Loaded, Page } from "../../parts/page.tsx"
import { Amount, State, When } from "../../parts/values.tsx"
import { useFilters, useGo } from "../../routes/navigation.ts"
import { paths, type CaseFilters } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.exceptions
const keyOf = ({ id }: Exception) => id
const states = [
  ["open", t.open],
  ["decided", t.decided],
  ["all", t.all],
] as const
/** Those who own exceptions today; an estate may name others, which come by a link. */
const owners = ["operations", "finance", "customer service", "integration", "order desk"].map(
  (owner) => [owner, owner] as const,
)

const columns: readonly Column<Exception>[] = [
  { head: t.state, cell: ({ state }) => <State shown={exceptionState(state)} />, onCard: "aside" },
  { head: t.cause, cell: (one) => <Link to={paths.exception(one.id)}>{one.cause}</Link>, onCard: "title" },
  { head: t.what, cell: ({ summary }) => <span title={summary}>{summary}</span>, isWide: true, onCard: "text" },
  { head: t.owner, cell: ({ owner }) => owner },
  { head: t.atRisk, cell: ({ atRisk }) => <Amount money={atRisk} />, isNumber: true },
  { head: t.since, cell: ({ openedAt }) => <When at={openedAt} /> },
]

export function CasesScreen() {
  const go = useGo()
  const { state = "open", owner, cause, order, group } = useFilters()
  const set = (change: CaseFilters) =>
    go(paths.cases({ state: state === "open" ? undefined : state, owner, cause, order, group, ...change }))
  const parameters = { state: state === "all" ? undefined : state, owner, cause, orderId: order, group }
  const list = useList<Exception>("/v1/exceptions", parameters, { keyOf })
  const { chosen, toggle, clear } = useSelection()
  const selection = useMemo(() => ({ chosen, toggle }), [chosen, toggle])
  const isFiltered = owner !== undefined || cause !== undefined || order !== undefined || group !== undefined
  // Causes are words of workflows; those on the page are offered.
  const causes = [...new Set(list.rows.map((row) => row.cause))].sort().map((one) => [one, one] as const)
  const menuOf = (one: Exception) => [
    { name: en.list.open, act: () => go(paths.exception(one.id)) },
    ...(one.orderId === undefined ? [] : [{ name: t.order, act: () => go(paths.order(one.orderId ?? "")) }]),
    ...copies(paths.exception(one.id), one.id),
  ]
  // With one state only, a column of it says nothing.
  const shownColumns = state === "all" ? columns : columns.filter(({ head }) => head !== t.state)
  return (
    <Page title={t.cases} reading={list.reading} acts={<Link to={paths.exceptions()}>{t.byCause}</Link>}>
      <Filters onClear={isFiltered ? () => go(paths.cases()) : undefined}>
        <Choice
          name={t.state}
          value={state}
          choices={states}
          isAlwaysSet
          onChange={(value) => set({ state: value === "open" ? undefined : value })}
        />
        <Choice name={t.owner} value={owner} choices={owners} onChange={(value) => set({ owner: value })} />
        <Choice name={t.cause} value={cause} choices={causes} onChange={(value) => set({ cause: value })} />
        {order !== undefined && (
          <Choice name={t.order} value={order} choices={[]} onChange={(value) => set({ order: value })} />
        )}
        <NewRows count={list.newCount} onShow={list.showNew} />
        <SelectionBar ids={[...chosen]} onClear={clear} />
      </Filters>
      <Loaded reading={list.reading} lines={12}>
        {() =>
          list.rows.length === 0 ? (
            <NoExceptions isFiltered={isFiltered} onClear={() => go(paths.cases())} />
          ) : (
            <>
              <List
                name={t.title}
                rows={list.rows}
                columns={shownColumns}
                keyOf={keyOf}
                nameOf={nameOf}
                goneKeys={list.goneKeys}
                selection={selection}
                menuOf={menuOf}
                hasKeys
              />
              <ListFoot list={list} onCsv={() => saveCases(list.rows)} />
            </>
          )
        }
      </Loaded>
    </Page>
  )
}

const nameOf = ({ cause, orderId }: Exception) => `${cause}${orderId === undefined ? "" : ` of ${orderId}`}`

function NoExceptions({ isFiltered, onClear }: { isFiltered: boolean; onClear: () => void }) {
  if (isFiltered) return <Empty {...en.empty.noneMatch} action={{ name: en.list.clearFilters, act: onClear }} />
  return <Empty {...t.noneOpen} />
}

function saveCases(rows: readonly Exception[]): void {
  const head = ["id", "order", "state", "cause", "summary", "owner", "atRisk", "openedAt"]
  const fields = rows.map((one) => {
    return [one.id, one.orderId, one.state, one.cause, one.summary, one.owner, one.atRisk, one.openedAt]
  })
  download("exceptions.csv", csvText(head, fields))
}
