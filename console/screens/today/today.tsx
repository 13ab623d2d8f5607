import { apiPath } from "../../api/client.ts"
import type { Connection, Kpis } from "../../api/system-answers.ts"
import type { Exception, Page as Items } from "../../api/answers.ts"
import { useApi } from "../../api/use-api.ts"
import { connectionState } from "../../format/connection.ts"
import { countText } from "../../format/quantity.ts"
import { waitText } from "../../format/waits.ts"
import { List, type Column } from "../../list/list.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Page, Section } from "../../parts/page.tsx"
import { State } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { Causes } from "./causes.tsx"
import { Figures } from "./figures.tsx"
import { Headline } from "./headline.tsx"
import { OrderStates } from "./order-states.tsx"

const t = en.today

type Waiting = Kpis["waiting"][number]
const waitingColumns: readonly Column<Waiting>[] = [
  {
    head: en.flows.for,
    cell: (wait) => <span title={wait.name}>{waitText(wait)}</span>,
    isWide: true,
    onCard: "title",
  },
  { head: en.flows.objects, cell: ({ count }) => countText(count), isNumber: true, onCard: "aside" },
]

const systemColumns: readonly Column<Connection>[] = [
  {
    head: en.connections.name,
    cell: ({ id }) => <Link to={paths.connection(id)}>{id}</Link>,
    isWide: true,
    onCard: "title",
  },
  { head: en.connections.waiting, cell: ({ callsWaiting }) => callsWaiting, isNumber: true },
  { head: en.connections.state, cell: (one) => <State shown={connectionState(one)} />, onCard: "aside" },
]

/** Whether all is well, at one look; and where to go when it is not. */
export function TodayScreen() {
  const kpis = useApi<Kpis>("/v1/kpis")
  const connections = useApi<Items<Connection>>("/v1/connections")
  const exceptions = useApi<Items<Exception>>(apiPath("/v1/exceptions", { state: "open", limit: 200 }))
  return (
    <Page title={t.title} reading={kpis}>
      <Loaded reading={kpis} lines={12}>
        {(figures) => (
          <>
            <Headline kpis={figures} connections={connections.data?.items ?? []} />
            <Figures kpis={figures} open={exceptions.data?.items ?? []} />
            <div className="halves">
              <div>
                <Section title={t.byCause} aside={<Link to={paths.exceptions()}>{en.exceptions.title}</Link>}>
                  <Loaded reading={exceptions} lines={6}>
                    {({ items, cursor }) => <Causes open={items} hasMore={cursor !== undefined} />}
                  </Loaded>
                </Section>
                <Section title={t.orders} aside={<Link to={paths.orders()}>{en.orders.title}</Link>}>
                  <OrderStates byState={figures.orders.byState} />
                </Section>
              </div>
              <div>
                <Section title={t.systems} aside={<Link to={paths.connections()}>{en.connections.title}</Link>}>
                  <Loaded reading={connections} lines={7}>
                    {({ items }) => (
                      <List name={t.systems} rows={items} columns={systemColumns} keyOf={({ id }) => id} />
                    )}
                  </Loaded>
                </Section>
                <Section title={t.waiting} aside={<Link to={paths.flows()}>{en.flows.title}</Link>}>
                  {figures.waiting.length === 0 ? (
                    <p className="dim">{t.nothingWaits}</p>
                  ) : (
                    <List
                      name={t.waiting}
                      rows={figures.waiting}
                      columns={waitingColumns}
                      keyOf={({ kind, name }) => `${kind} ${name}`}
                    />
                  )}
                </Section>
              </div>
            </div>
          </>
        )}
      </Loaded>
    </Page>
  )
}
