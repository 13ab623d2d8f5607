import { apiPath } from "../../api/client.ts"
import type { ExceptionGroup } from "../../api/answers.ts"
import { useApi } from "../../api/use-api.ts"
import { becauseText, groupState } from "../../format/group.ts"
import { countText } from "../../format/quantity.ts"
import { choicesOf, useFilterValues } from "../exceptions/filter-values.ts"
import { Choice, Filters, NewRows } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { useSteadyRows } from "../../list/steady-rows.ts"
import { Empty } from "../../parts/failed.tsx"
import { Link } from "../../parts/link.tsx"
import { useNow } from "../../parts/now.ts"
import { Loaded, Page } from "../../parts/page.tsx"
import { Amounts, State, When } from "../../parts/values.tsx"
import { useFilters, useGo } from "../../routes/navigation.ts"
import { paths, type GroupFilters } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.groups
const keyOf = ({ id }: ExceptionGroup) => id
const pairs = (names: Readonly<Record<string, string>>) => Object.entries(names)
const groupColumns: readonly Column<ExceptionGroup>[] = [
  { head: en.exceptions.state, cell: (group) => <GroupState group={group} />, onCard: "aside" },
  { head: en.exceptions.cause, cell: ({ id, cause }) => <Link to={paths.group(id)}>{cause}</Link>, onCard: "title" },
  {
    head: t.latest,
    cell: ({ because, summary, open }) => {
      const text = open === 1 ? summary : becauseText(because) || summary
      return <span title={summary}>{text}</span>
    },
    isWide: true,
    onCard: "text",
  },
  { head: t.cases, cell: ({ open }) => countText(open), isNumber: true },
  { head: t.orders, cell: ({ orders }) => countText(orders), isNumber: true },
  { head: en.exceptions.atRisk, cell: ({ atRisk }) => <Amounts amounts={atRisk} />, isNumber: true },
  { head: t.clock, cell: ({ dueAt }) => <When at={dueAt} isShort /> },
  { head: en.exceptions.owner, cell: ({ assignee, owner }) => assignee ?? owner },
  { head: en.exceptions.since, cell: ({ firstAt }) => <When at={firstAt} isShort /> },
]

function GroupState({ group }: { group: ExceptionGroup }) {
  const shown = groupState(group, useNow())
  return <State shown={group.cameBack && shown.word === "open" ? { ...shown, word: t.cameBack } : shown} />
}

/** Open exceptions by cause, the most urgent first. */
export function ExceptionsScreen() {
  const go = useGo()
  const { owner, kind, connection, channel, state, sort } = useFilters()
  const filters = { owner, kind, connection, channel, state, sort }
  const set = (change: GroupFilters) => go(paths.exceptions({ ...filters, ...change }))
  const path = apiPath("/v1/exception-groups", filters)
  const filterValues = useFilterValues()
  const reading = useApi<{ items: ExceptionGroup[]; hasMore: boolean }>(path)
  const list = useSteadyRows(reading.data?.items, { keyOf, listKey: path, pages: 1, hasMore: false })
  const isFiltered = [owner, kind, connection, channel, state].some((one) => one !== undefined)
  const clear = () => go(paths.exceptions({ sort }))
  return (
    <Page title={en.exceptions.title} reading={reading} acts={<Link to={paths.cases()}>{en.exceptions.cases}</Link>}>
      <Filters onClear={isFiltered ? clear : undefined}>
        <Choice
          name={en.exceptions.state}
          value={state ?? "open"}
          choices={pairs(t.states)}
          isAlwaysSet
          onChange={(value) => set({ state: value === "open" ? undefined : value })}
        />
        <Choice name={t.kind} value={kind} choices={pairs(t.kinds)} onChange={(value) => set({ kind: value })} />
        <Choice
          name={en.exceptions.owner}
          value={owner}
          choices={choicesOf(filterValues?.owners)}
          onChange={(value) => set({ owner: value })}
        />
        <Choice
          name={t.connection}
          value={connection}
          choices={choicesOf(filterValues?.connections)}
          onChange={(value) => set({ connection: value })}
        />
        <Choice
          name={t.sort}
          value={sort ?? "score"}
          choices={pairs(t.sorts)}
          isAlwaysSet
          onChange={(value) => set({ sort: value === "score" ? undefined : value })}
        />
        <NewRows count={list.newCount} onShow={list.showNew} />
      </Filters>
      <Loaded reading={reading} lines={8}>
        {({ hasMore }) =>
          list.rows.length === 0 ? (
            <Empty
              {...(isFiltered ? en.empty.noneMatch : en.exceptions.noneOpen)}
              {...(isFiltered ? { action: { name: en.list.clearFilters, act: clear } } : {})}
            />
          ) : (
            <>
              <List
                name={en.exceptions.title}
                rows={list.rows}
                columns={groupColumns}
                keyOf={keyOf}
                goneKeys={list.goneKeys}
                hasKeys
              />
              {hasMore && <p className="dim">{t.more}</p>}
            </>
          )
        }
      </Loaded>
    </Page>
  )
}
