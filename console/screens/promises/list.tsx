import type { BudgetGate, Promised } from "../../api/promise-answers.ts"
import type { Page as Items } from "../../api/answers.ts"
import { useApi } from "../../api/use-api.ts"
import { countText } from "../../format/quantity.ts"
import { shareText } from "../../format/promise.ts"
import { List, type Column } from "../../list/list.tsx"
import { Empty } from "../../parts/failed.tsx"
import { Loaded, Page, Section } from "../../parts/page.tsx"
import { State } from "../../parts/values.tsx"
import { en } from "../../texts/en.ts"
import { OpenAlerts } from "../alerts/list.tsx"
import { allColumns } from "./columns.tsx"

const t = en.promises

/** How promises are kept, what people are told of, and whether a risky change should wait. */
export function PromisesScreen() {
  const reading = useApi<Items<Promised>>("/v1/promises")
  return (
    <Page title={t.title} reading={reading}>
      <Loaded reading={reading} lines={6}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty {...t.none} />
          ) : (
            <List name={t.title} rows={items} columns={allColumns} keyOf={({ name }) => name} hasKeys />
          )
        }
      </Loaded>
      <OpenAlerts />
      <Budgets />
    </Page>
  )
}

type Budget = BudgetGate["budgets"][number]
const budgetColumns: readonly Column<Budget>[] = [
  { head: t.name, cell: ({ promise }) => promise, isWide: true, onCard: "title" },
  { head: t.target, cell: ({ target }) => shareText(target), isNumber: true },
  {
    head: t.missed,
    cell: ({ bad, n }) => t.missedOf(countText(bad), countText(n)),
    isNumber: true,
  },
  {
    head: t.used,
    cell: ({ bad, allowed }) =>
      t.usedText(countText(bad), allowed < 10 ? allowed.toFixed(1) : countText(Math.floor(allowed))),
    isNumber: true,
    onCard: "aside",
  },
]

function Budgets() {
  const reading = useApi<BudgetGate>("/v1/promise-budget")
  return (
    <Section title={t.budget}>
      <Loaded reading={reading} lines={4}>
        {({ wait, reasons, days, budgets }) => (
          <>
            <p>
              <State shown={wait ? { role: "stopped", word: t.budgetWait } : { role: "done", word: t.budgetGo }} />
            </p>
            <p className="dim section-hint">{t.budgetHint(days)}</p>
            {reasons.map((reason) => (
              <p key={reason}>{reason}</p>
            ))}
            <List name={t.budget} rows={budgets} columns={budgetColumns} keyOf={({ promise }) => promise} />
          </>
        )}
      </Loaded>
    </Section>
  )
}
