import type { Exception, Money } from "../../api/answers.ts"
import { sumByCurrency } from "../../format/money.ts"
import { countText } from "../../format/quantity.ts"
import { List, type Column } from "../../list/list.tsx"
import { Link } from "../../parts/link.tsx"
import { Amounts, When } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.exceptions

interface Cause {
  cause: string
  owners: string
  count: number
  atRisk: Money[]
  since: string
}

const columns: readonly Column<Cause>[] = [
  {
    head: t.cause,
    cell: ({ cause }) => <Link to={paths.exceptions({ cause })}>{cause}</Link>,
    isWide: true,
    onCard: "title",
  },
  { head: en.flows.objects, cell: ({ count }) => countText(count), isNumber: true, onCard: "aside" },
  { head: t.atRisk, cell: ({ atRisk }) => <Amounts amounts={atRisk} />, isNumber: true },
  { head: t.owner, cell: ({ owners }) => owners },
  { head: t.since, cell: ({ since }) => <When at={since} isShort /> },
]

/** Open exceptions by cause, those with the most objects first. */
export function Causes({ open, hasMore }: { open: readonly Exception[]; hasMore: boolean }) {
  if (open.length === 0) return <p className="dim">{en.today.needsNobody}</p>
  return (
    <>
      <List name={en.today.byCause} rows={causesOf(open)} columns={columns} keyOf={({ cause }) => cause} hasKeys />
      {hasMore && <p className="dim">{en.today.newest(open.length)}</p>}
    </>
  )
}

function causesOf(open: readonly Exception[]): Cause[] {
  return [...Map.groupBy(open, ({ cause }) => cause)]
    .map(([cause, members]) => ({
      cause,
      owners: [...new Set(members.map(({ owner }) => owner))].join(", "),
      count: members.length,
      atRisk: sumByCurrency(members.map(({ atRisk }) => atRisk)),
      since: members.map(({ openedAt }) => openedAt).sort()[0] ?? "",
    }))
    .sort((a, b) => b.count - a.count || (a.cause < b.cause ? -1 : 1))
}
