import { apiPath } from "../../api/client.ts"
import type { Kpis } from "../../api/system-answers.ts"
import type { Exception, Page as Items } from "../../api/answers.ts"
import { useApi } from "../../api/use-api.ts"
import { Choice, Filters } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { Empty } from "../../parts/failed.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Page, Section } from "../../parts/page.tsx"
import { Amount, State, When } from "../../parts/values.tsx"
import { useFilters, useGo } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.books
type Sums = Kpis["money"][number]
const hoursDefault = "24"

const columns: readonly Column<Sums>[] = [
  { head: t.currency, cell: ({ currency }) => currency, onCard: "title" },
  {
    head: t.shipped,
    cell: ({ shippedMinor, currency }) => <Amount money={{ amountMinor: shippedMinor, currency }} isBare />,
    isNumber: true,
  },
  {
    head: t.booked,
    cell: ({ bookedMinor, currency }) => <Amount money={{ amountMinor: bookedMinor, currency }} isBare />,
    isNumber: true,
  },
  {
    head: t.difference,
    cell: ({ shippedMinor, bookedMinor, currency }) => (
      <Amount money={{ amountMinor: shippedMinor - bookedMinor, currency }} isBare />
    ),
    isNumber: true,
  },
  { head: en.exceptions.state, cell: (sums) => <State shown={differenceShown(sums)} />, isWide: true, onCard: "aside" },
]

function differenceShown({ shippedMinor, bookedMinor }: Sums) {
  if (shippedMinor === bookedMinor) return { role: "done", word: t.equal } as const
  return { role: "risk", word: shippedMinor > bookedMinor ? t.open : t.over } as const
}

const exceptionColumns: readonly Column<Exception>[] = [
  {
    head: en.exceptions.cause,
    cell: ({ id, cause }) => <Link to={paths.exception(id)}>{cause}</Link>,
    onCard: "title",
  },
  {
    head: en.exceptions.what,
    cell: ({ summary }) => <span title={summary}>{summary}</span>,
    isWide: true,
    onCard: "text",
  },
  { head: en.exceptions.atRisk, cell: ({ atRisk }) => <Amount money={atRisk} />, isNumber: true, onCard: "aside" },
  { head: en.exceptions.since, cell: ({ openedAt }) => <When at={openedAt} /> },
]

/** Whether what was shipped is booked, and what keeps the rest from it. */
export function BooksScreen() {
  const go = useGo()
  const { hours = hoursDefault } = useFilters()
  const reading = useApi<Kpis>(apiPath("/v1/kpis", { sinceHours: hours }))
  const exceptions = useApi<Items<Exception>>(apiPath("/v1/exceptions", { state: "open", owner: "finance", limit: 50 }))
  return (
    <Page title={t.title} reading={reading}>
      <Filters>
        <Choice
          name={t.hours}
          value={hours}
          choices={Object.entries(t.choices)}
          isAlwaysSet
          onChange={(value) => go(paths.books({ hours: value === hoursDefault ? undefined : value }))}
        />
      </Filters>
      <Loaded reading={reading} lines={3}>
        {({ money }) =>
          money.length === 0 ? (
            <Empty {...en.empty.noneYet} />
          ) : (
            <List name={t.title} rows={money} columns={columns} keyOf={({ currency }) => currency} />
          )
        }
      </Loaded>
      <Section
        title={t.unposted}
        aside={<Link to={paths.exceptions({ owner: "finance" })}>{en.exceptions.title}</Link>}
      >
        <Loaded reading={exceptions} lines={4}>
          {({ items }) =>
            items.length === 0 ? (
              <p className="dim">{t.noneUnposted}</p>
            ) : (
              <List name={t.unposted} rows={items} columns={exceptionColumns} keyOf={({ id }) => id} hasKeys />
            )
          }
        </Loaded>
      </Section>
    </Page>
  )
}
