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
import { PlanActs } from "../operations/plan.tsx"
import { choicesOf, useFilterValues } from "./filter-values.ts"

const t = en.exceptions
const keyOf = ({ id }: Exception) => id
const states = [
  ["open", t.open],
  ["decided", t.decided],
  ["all", t.all],
] as const
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
        <CaseChoices owner={owner} cause={cause} set={set} />
        {order !== undefined && (
          <Choice name={t.order} value={order} choices={[]} onChange={(value) => set({ order: value })} />
        )}
        <NewRows count={list.newCount} onShow={list.showNew} />
        <SelectionBar ids={[...chosen]} onClear={clear} />
      </Filters>
      <ActsOnMany
        chosen={[...chosen]}
        filter={{ owner, cause, orderId: order, group }}
        list={list}
        isOpen={state === "open"}
      />
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

interface CaseChoicesProps {
  owner: string | undefined
  cause: string | undefined
  set: (change: CaseFilters) => void
}

function CaseChoices({ owner, cause, set }: CaseChoicesProps) {
  const filterValues = useFilterValues()
  return (
    <>
      <Choice
        name={t.owner}
        value={owner}
        choices={choicesOf(filterValues?.owners)}
        onChange={(value) => set({ owner: value })}
      />
      <Choice
        name={t.cause}
        value={cause}
        choices={choicesOf(filterValues?.causes)}
        onChange={(value) => set({ cause: value })}
      />
    </>
  )
}

interface ActsOnManyProps {
  chosen: readonly string[]
  filter: Readonly<Record<string, string | undefined>>
  list: { rows: readonly unknown[]; hasMore: boolean }
  isOpen: boolean
}

/** What can be done to those that were chosen, or to all that match the filter, not only those on the page. */
function ActsOnMany({ chosen, filter, list, isOpen }: ActsOnManyProps) {
  if (!isOpen) return null
  if (chosen.length > 0) return <PlanActs says={en.plan.onChosen(chosen.length)} preset={{ ids: chosen }} />
  const set = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined))
  const isFiltered = Object.keys(set).length > 0
  const count = list.hasMore ? `${list.rows.length}+` : String(list.rows.length)
  return (
    <PlanActs
      says={en.plan.onAll(count)}
      preset={isFiltered ? set : { owner: undefined }}
      whyOff={isFiltered ? undefined : en.plan.filterFirst}
    />
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
