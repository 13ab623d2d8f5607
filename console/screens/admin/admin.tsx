import { useMe } from "../../api/session.ts"
import type { Consumer, Retention } from "../../api/system-answers.ts"
import type { Me, Page as Items } from "../../api/answers.ts"
import { useApi } from "../../api/use-api.ts"
import { bytesText, countText } from "../../format/quantity.ts"
import { List, type Column } from "../../list/list.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Page, Section } from "../../parts/page.tsx"
import { State, When } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { EventSubscriptions } from "./event-subscriptions.tsx"
import { OwnPassword } from "./own-password.tsx"
import { People } from "./people.tsx"
import { Receivers, Silences } from "./silences.tsx"

const t = en.admin

const consumerColumns: readonly Column<Consumer>[] = [
  {
    head: t.consumer,
    cell: ({ id, name }) => <Link to={paths.consumer(id)}>{name}</Link>,
    isWide: true,
    onCard: "title",
  },
  { head: t.owner, cell: ({ owner }) => owner },
  { head: t.scopes, cell: ({ scopes }) => <span title={scopes.join(", ")}>{scopes.join(", ")}</span>, isWide: true },
  { head: t.channels, cell: ({ channels }) => channels?.join(", ") ?? t.all },
  { head: t.rate, cell: ({ ratePerSecond }) => t.rateText(ratePerSecond), isNumber: true },
  { head: t.version, cell: ({ apiVersion }) => apiVersion },
  {
    head: t.state,
    cell: ({ isActive }) => (
      <State shown={isActive ? { role: "done", word: t.active } : { role: "stopped", word: t.inactive }} />
    ),
    onCard: "aside",
  },
]

const rightColumns: readonly Column<Me["can"][number]>[] = [
  { head: t.act, cell: ({ act }) => act, onCard: "title" },
  {
    head: t.allowed,
    cell: ({ allowed, reason }) => (
      <State shown={allowed ? { role: "done", word: t.yes } : { role: "stopped", word: reason ?? en.limits }} />
    ),
    isWide: true,
    onCard: "aside",
  },
]

const keptColumns: readonly Column<Retention["outlook"][number]>[] = [
  { head: t.what, cell: ({ what }) => what, onCard: "title" },
  { head: t.days, cell: ({ days }) => countText(days), isNumber: true, onCard: "aside" },
  { head: t.next, cell: ({ next }) => (next ? <When at={next.at} /> : "–"), isWide: true },
  { head: t.size, cell: ({ next }) => (next?.bytes === undefined ? "–" : bytesText(next.bytes)), isNumber: true },
]

export function AdminScreen() {
  const consumers = useApi<Items<Consumer>>("/v1/consumers", { isSteady: true })
  const retention = useApi<Retention>("/v1/retention", { isSteady: true })
  const me = useMe()
  return (
    <Page title={t.title}>
      <Section title={t.consumers}>
        <Loaded reading={consumers} lines={4}>
          {({ items }) => (
            <List name={t.consumers} rows={items} columns={consumerColumns} keyOf={({ id }) => id} hasKeys />
          )}
        </Loaded>
      </Section>
      <EventSubscriptions />
      <People />
      <Receivers />
      <Silences />
      <div className="halves even">
        <Section title={t.rights}>
          <Loaded reading={me} lines={4}>
            {({ can }) => <List name={t.rights} rows={can} columns={rightColumns} keyOf={({ act }) => act} />}
          </Loaded>
        </Section>
        <div>
          <OwnPassword />
          <Section title={t.retention}>
            <Loaded reading={retention} lines={3}>
              {({ outlook }) => (
                <List name={t.retention} rows={outlook} columns={keptColumns} keyOf={({ what }) => what} />
              )}
            </Loaded>
          </Section>
        </div>
      </div>
    </Page>
  )
}
