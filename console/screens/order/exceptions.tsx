import type { Exception, Page as Items } from "../../api/answers.ts"
import { exceptionState } from "../../format/roles.ts"
import { List, type Column } from "../../list/list.tsx"
import { Empty } from "../../parts/failed.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Section, type Reading } from "../../parts/page.tsx"
import { Amount, State, When } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.exceptions

const columns: readonly Column<Exception>[] = [
  { head: t.state, cell: ({ state }) => <State shown={exceptionState(state)} />, onCard: "aside" },
  { head: t.cause, cell: ({ id, cause }) => <Link to={paths.exception(id)}>{cause}</Link>, onCard: "title" },
  { head: t.what, cell: ({ summary }) => summary, isWide: true, onCard: "text" },
  { head: t.atRisk, cell: ({ atRisk }) => <Amount money={atRisk} />, isNumber: true },
  { head: t.since, cell: ({ openedAt }) => <When at={openedAt} /> },
]

export function ExceptionsTab({ exceptions }: { exceptions: Reading & { data: Items<Exception> | undefined } }) {
  return (
    <Loaded reading={exceptions} lines={3}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty {...en.empty.noneExist} />
        ) : (
          <Section title={t.count(items.length)}>
            <List name={t.title} rows={items} columns={columns} keyOf={({ id }) => id} />
          </Section>
        )
      }
    </Loaded>
  )
}
