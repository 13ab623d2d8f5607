import type { Alert } from "../../api/promise-answers.ts"
import type { Page as Items } from "../../api/answers.ts"
import { useApi } from "../../api/use-api.ts"
import { alertState } from "../../format/promise.ts"
import { List, type Column } from "../../list/list.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Section } from "../../parts/page.tsx"
import { Amounts, State, When } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.alerts

const columns: readonly Column<Alert>[] = [
  { head: en.exceptions.state, cell: (alert) => <State shown={alertState(alert)} />, onCard: "aside" },
  {
    head: t.what,
    cell: ({ id, title, held }) => (
      <Link to={paths.alert(id)} title={held ?? title}>
        {title}
      </Link>
    ),
    isWide: true,
    onCard: "title",
  },
  { head: t.figures, cell: ({ count, counted }) => `${count} ${counted}` },
  { head: en.exceptions.atRisk, cell: ({ money }) => <Amounts amounts={money} />, isNumber: true },
  { head: en.exceptions.owner, cell: ({ owner }) => owner },
  { head: t.since, cell: ({ since }) => <When at={since} isShort /> },
]

/** What is wrong now that people are told of, or would be. */
export function OpenAlerts() {
  const reading = useApi<Items<Alert>>("/v1/alerts?state=open&limit=20")
  return (
    <Section title={t.title}>
      <Loaded reading={reading} lines={3}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="dim">{t.none}</p>
          ) : (
            <List name={t.title} rows={items} columns={columns} keyOf={({ id }) => id} />
          )
        }
      </Loaded>
    </Section>
  )
}
