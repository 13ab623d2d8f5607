import type { Kpis } from "../../api/system-answers.ts"
import { outcomeState } from "../../format/roles.ts"
import { countText } from "../../format/quantity.ts"
import { List, type Column } from "../../list/list.tsx"
import { Empty } from "../../parts/failed.tsx"
import { Link } from "../../parts/link.tsx"
import { State } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.flows
type Counted = Kpis["effects"][number]

const columns: readonly Column<Counted>[] = [
  {
    head: t.connection,
    cell: ({ connection, outcome }) => <Link to={paths.flows({ connection, outcome })}>{connection}</Link>,
    onCard: "title",
  },
  { head: t.outcome, cell: ({ outcome }) => <State shown={outcomeState(outcome)} />, onCard: "aside" },
  { head: t.count, cell: ({ count }) => countText(count), isNumber: true },
  { head: t.attempts, cell: ({ attempts }) => countText(Math.max(0, attempts)), isNumber: true },
  { head: t.probes, cell: ({ probes }) => countText(probes), isNumber: true },
]

/** Calls to other systems by outcome, how often they were sent and looked up. */
export function Calls({ effects }: { effects: readonly Counted[] }) {
  if (effects.length === 0) return <Empty {...en.empty.noneYet} />
  const key = ({ connection, outcome }: Counted) => `${connection} ${outcome}`
  return <List name={t.calls} rows={effects} columns={columns} keyOf={key} />
}
