import type { Operation } from "../../api/work-answers.ts"
import { operationName, operationState } from "../../format/operation.ts"
import { countText } from "../../format/quantity.ts"
import { ListFoot, NewRows } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { useList } from "../../list/use-list.ts"
import { Empty } from "../../parts/failed.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Page } from "../../parts/page.tsx"
import { Amounts, State, When } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { PlanButton } from "./plan.tsx"

const t = en.operations
const keyOf = ({ id }: Operation) => id

const columns: readonly Column<Operation>[] = [
  { head: en.orders.state, cell: ({ state }) => <State shown={operationState(state)} />, onCard: "aside" },
  { head: t.what, cell: (one) => <Link to={paths.operation(one.id)}>{operationName(one)}</Link>, onCard: "title" },
  {
    head: en.exceptions.reason,
    cell: ({ reason }) => <span title={reason}>{reason}</span>,
    isWide: true,
    onCard: "text",
  },
  {
    head: t.progress,
    cell: ({ done, skipped, failed, total }) => `${countText(done + skipped + failed)} / ${countText(total)}`,
    isNumber: true,
  },
  { head: en.exceptions.atRisk, cell: ({ atRisk }) => <Amounts amounts={atRisk} />, isNumber: true },
  { head: t.by, cell: ({ requestedBy }) => requestedBy },
  { head: t.at, cell: ({ requestedAt }) => <When at={requestedAt} /> },
]

/** What people have done to many objects at once. */
export function OperationsScreen() {
  const list = useList<Operation>("/v1/operations", {}, { keyOf })
  return (
    <Page
      title={t.title}
      reading={list.reading}
      acts={
        <>
          <NewRows count={list.newCount} onShow={list.showNew} />
          <PlanButton />
        </>
      }
    >
      <Loaded reading={list.reading} lines={8}>
        {() =>
          list.rows.length === 0 ? (
            <Empty title={en.empty.noneYet.title} hint={t.none} />
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
