import type { Connection, Reader } from "../../api/system-answers.ts"
import type { Page as Items } from "../../api/answers.ts"
import { useApi } from "../../api/use-api.ts"
import { connectionState, lastHeard } from "../../format/connection.ts"
import { lengthText } from "../../format/time.ts"
import { countText } from "../../format/quantity.ts"
import { List, type Column } from "../../list/list.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Page, Section } from "../../parts/page.tsx"
import { State, When } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { ModesSection } from "../modes/list.tsx"
import { readerColumns } from "./readers.tsx"

const t = en.connections

const connectionColumns: readonly Column<Connection>[] = [
  { head: t.name, cell: ({ id }) => <Link to={paths.connection(id)}>{id}</Link>, onCard: "title" },
  { head: t.state, cell: (one) => <State shown={connectionState(one)} />, onCard: "aside" },
  { head: t.heard, cell: (one) => <Heard connection={one} /> },
  { head: t.underWay, cell: ({ callsUnderWay }) => callsUnderWay, isNumber: true },
  { head: t.objectsWaiting, cell: ({ objectsWaiting }) => countText(objectsWaiting), isNumber: true },
  { head: t.lastError, cell: (one) => <Trouble connection={one} />, isWide: true, onCard: "text" },
  {
    head: t.system,
    cell: ({ connector, apiVersion }) => (
      <span className="dim">
        {connector} {apiVersion}
      </span>
    ),
  },
]

function Heard({ connection }: { connection: Connection }) {
  const at = lastHeard(connection)
  return at === undefined ? <span className="dim">{t.never}</span> : <When at={at} isShort />
}

function Trouble({ connection }: { connection: Connection }) {
  const { isPaused, pausedBy, reason, breaker, retryInMs, askedToWaitMs, lastError } = connection
  if (isPaused)
    return (
      <span>
        {t.pausedBy(pausedBy ?? "")}
        {reason ? `: ${reason}` : ""}
      </span>
    )
  if (breaker === "closed")
    return askedToWaitMs > 1000 ? <span className="dim">{t.askedToWait(lengthText(askedToWaitMs))}</span> : null
  return (
    <span title={lastError}>
      {lastError} {retryInMs > 0 && <span className="dim">{t.retryIn(lengthText(retryInMs))}</span>}
    </span>
  )
}

export function ConnectionsScreen() {
  const reading = useApi<Items<Connection>>("/v1/connections")
  const readers = useApi<Items<Reader>>("/v1/readers")
  return (
    <Page title={t.title} reading={reading}>
      <Loaded reading={reading} lines={8}>
        {({ items }) => <List name={t.title} rows={items} columns={connectionColumns} keyOf={({ id }) => id} hasKeys />}
      </Loaded>
      <ModesSection />
      <Section title={t.ours}>
        <Loaded reading={readers} lines={4}>
          {({ items }) => {
            const own = items.filter(({ connection }) => connection === undefined)
            return <List name={t.ours} rows={own} columns={readerColumns} keyOf={({ name }) => name} />
          }}
        </Loaded>
      </Section>
    </Page>
  )
}
