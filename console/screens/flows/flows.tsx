import type { Effect, Kpis } from "../../api/system-answers.ts"
import { useApi } from "../../api/use-api.ts"
import { countText } from "../../format/quantity.ts"
import { outcomeState } from "../../format/roles.ts"
import { hopText, waitText } from "../../format/waits.ts"
import { Choice, Filters, ListFoot, NewRows } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { useList } from "../../list/use-list.ts"
import { Empty } from "../../parts/failed.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Page, Section } from "../../parts/page.tsx"
import { State, When } from "../../parts/values.tsx"
import { useFilters, useGo } from "../../routes/navigation.ts"
import { paths, type FlowFilters } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { Calls } from "./calls.tsx"

const t = en.flows
type Waiting = Kpis["waiting"][number]

const waitingColumns: readonly Column<Waiting>[] = [
  { head: t.for, cell: (wait) => <span title={wait.name}>{waitText(wait)}</span>, isWide: true, onCard: "title" },
  { head: t.objects, cell: ({ count }) => countText(count), isNumber: true, onCard: "aside" },
]

const effectColumns: readonly Column<Effect>[] = [
  { head: t.step, cell: ({ step, key }) => <Link to={paths.object(key)}>{hopText(step)}</Link>, onCard: "title" },
  { head: t.outcome, cell: ({ outcome }) => <State shown={outcomeState(outcome)} />, onCard: "aside" },
  { head: t.connection, cell: ({ connection }) => connection },
  {
    head: t.reference,
    cell: ({ reference, error }) => <span className="code">{error ? error.message : reference?.id}</span>,
    isWide: true,
    onCard: "text",
  },
  { head: t.attempts, cell: ({ attempts }) => countText(Math.max(0, attempts)), isNumber: true },
  { head: t.probes, cell: ({ probes }) => countText(probes), isNumber: true },
  { head: t.at, cell: ({ intentAt }) => <When at={intentAt} /> },
]

const outcomes = ["done", "rejected", "unknown", "under way", "superseded"].map((one) => [one, one] as const)
const keyOf = ({ workflow, key, step, intentAt }: Effect) => `${workflow} ${key} ${step} ${intentAt}`

/** Where work waits, and every call to other systems. */
export function FlowsScreen() {
  const kpis = useApi<Kpis>("/v1/kpis")
  return (
    <Page title={t.title} reading={kpis}>
      <Loaded reading={kpis} lines={12}>
        {({ waiting, effects }) => (
          <div className="halves even">
            <Section title={t.waits}>
              {waiting.length === 0 ? (
                <Empty title={t.nothingWaits} hint={en.empty.noneYet.hint} />
              ) : (
                <List
                  name={t.waits}
                  rows={waiting}
                  columns={waitingColumns}
                  keyOf={({ kind, name }) => `${kind} ${name}`}
                />
              )}
            </Section>
            <Section title={t.calls}>
              <Calls effects={effects} />
            </Section>
          </div>
        )}
      </Loaded>
      <Effects systems={[...new Set(kpis.data?.effects.map(({ connection }) => connection))]} />
    </Page>
  )
}

function Effects({ systems }: { systems: readonly string[] }) {
  const go = useGo()
  const { connection, outcome } = useFilters()
  const set = (change: FlowFilters) => go(paths.flows({ connection, outcome, ...change }))
  const list = useList<Effect>("/v1/effects", { connection, outcome }, { keyOf })
  const isFiltered = connection !== undefined || outcome !== undefined
  const clear = () => go(paths.flows())
  return (
    <Section title={t.recent}>
      <Filters onClear={isFiltered ? clear : undefined}>
        <Choice
          name={t.connection}
          value={connection}
          choices={systems.map((one) => [one, one] as const)}
          onChange={(value) => set({ connection: value })}
        />
        <Choice name={t.outcome} value={outcome} choices={outcomes} onChange={(value) => set({ outcome: value })} />
        <NewRows count={list.newCount} onShow={list.showNew} />
      </Filters>
      <Loaded reading={list.reading} lines={8}>
        {() =>
          list.rows.length === 0 ? (
            <Empty {...en.empty.noneMatch} action={{ name: en.list.clearFilters, act: clear }} />
          ) : (
            <>
              <List
                name={t.recent}
                rows={list.rows}
                columns={effectColumns}
                keyOf={keyOf}
                goneKeys={list.goneKeys}
                hasKeys
              />
              <ListFoot list={list} />
            </>
          )
        }
      </Loaded>
    </Section>
  )
}
