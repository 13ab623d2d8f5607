import type { Connection, Kpis } from "../../api/system-answers.ts"
import type { ExceptionGroup, Page as Items } from "../../api/answers.ts"
import { useApi } from "../../api/use-api.ts"
import { connectionState } from "../../format/connection.ts"
import { countText } from "../../format/quantity.ts"
import { waitText } from "../../format/waits.ts"
import { NewRows } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { useSteadyRows } from "../../list/steady-rows.ts"
import { Link } from "../../parts/link.tsx"
import { Loaded, Page, Section } from "../../parts/page.tsx"
import { Amounts, State, When } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { ModesUnderWay } from "../modes/banner.tsx"
import type { BusinessStates, Why } from "../../api/figure-answers.ts"
import { apiPath } from "../../api/client.ts"
import { BacklogAge } from "../figures/backlog-age.tsx"
import { OrdersByHour } from "../figures/orders-by-hour.tsx"
import { Figures } from "./figures.tsx"
import { Headline } from "./headline.tsx"
import { OrderStates } from "./order-states.tsx"
import { TodayPromises } from "./promises.tsx"

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
  {
    head: en.connections.objectsWaiting,
    cell: ({ objectsWaiting }) => countText(objectsWaiting),
    isNumber: true,
  },
  { head: en.connections.state, cell: (one) => <State shown={connectionState(one)} />, onCard: "aside" },
]

/** The most urgent ones; the others are behind the link. */
const groupsShown = 8
const groupColumns: readonly Column<ExceptionGroup>[] = [
  {
    head: en.exceptions.cause,
    cell: ({ id, cause }) => <Link to={paths.group(id)}>{cause}</Link>,
    isWide: true,
    onCard: "title",
  },
  { head: en.groups.cases, cell: ({ open }) => countText(open), isNumber: true, onCard: "aside" },
  { head: en.exceptions.atRisk, cell: ({ atRisk }) => <Amounts amounts={atRisk} />, isNumber: true },
  { head: en.groups.clock, cell: ({ dueAt }) => <When at={dueAt} isShort /> },
  { head: en.exceptions.owner, cell: ({ assignee, owner }) => assignee ?? owner },
]

const groupKey = ({ id }: ExceptionGroup) => id

/** They change their order all the time; on the screen they stay where they are until somebody asks. */
function MostUrgent({ groups }: { groups: readonly ExceptionGroup[] }) {
  const list = useSteadyRows(groups.slice(0, groupsShown), { keyOf: groupKey, listKey: "", pages: 1, hasMore: false })
  if (list.rows.length === 0) return <p className="dim">{t.needsNobody}</p>
  return (
    <>
      <List
        name={t.byCause}
        rows={list.rows}
        columns={groupColumns}
        keyOf={groupKey}
        goneKeys={list.goneKeys}
        hasKeys
      />
      <div className="kept-room">
        <NewRows count={list.newCount} onShow={list.showNew} />
      </div>
    </>
  )
}

/** To the hour, so that the address of the reading changes once an hour. */
const twelveHoursAgo = () => new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000 - 11 * 3_600_000).toISOString()

/** Orders of the last hours beside what is usual, and the way to "Why is revenue down?". */
function OrdersAgainstUsual() {
  const why = useApi<Why>(apiPath("/v1/why", { from: twelveHoursAgo() }))
  return (
    <Section
      title={en.figures.ordersByHour}
      aside={
        <span className="report-weeks">
          <Link to={paths.why()}>{en.figures.why}</Link> <Link to={paths.report()}>{en.figures.weekly}</Link>
        </span>
      }
    >
      <Loaded reading={why} lines={5}>
        {({ hours }) => <OrdersByHour hours={hours} />}
      </Loaded>
    </Section>
  )
}

/** Whether all is well, at one look; and where to go when it is not. */
export function TodayScreen() {
  const kpis = useApi<Kpis>("/v1/kpis")
  const connections = useApi<Items<Connection>>("/v1/connections")
  const groups = useApi<{ items: ExceptionGroup[] }>("/v1/exception-groups")
  const states = useApi<BusinessStates>("/v1/business-states?kind=order")
  return (
    <Page title={t.title} reading={kpis}>
      <Loaded reading={kpis} lines={12}>
        {(figures) => (
          <>
            <ModesUnderWay />
            <Headline kpis={figures} connections={connections.data?.items ?? []} />
            <Figures kpis={figures} causes={groups.data?.items.length} />
            <OrdersAgainstUsual />
            <div className="halves">
              <div>
                <Section title={t.byCause} aside={<Link to={paths.exceptions()}>{en.exceptions.title}</Link>}>
                  <Loaded reading={groups} lines={6}>
                    {({ items }) => <MostUrgent groups={items} />}
                  </Loaded>
                </Section>
                <Section title={t.orders} aside={<Link to={paths.orders()}>{en.orders.title}</Link>}>
                  <OrderStates byState={figures.orders.byState} />
                </Section>
              </div>
              <div>
                <TodayPromises />
                <Section title={en.figures.backlogAge}>
                  <Loaded reading={states} lines={5}>
                    {({ ages }) => <BacklogAge ages={ages} />}
                  </Loaded>
                </Section>
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
