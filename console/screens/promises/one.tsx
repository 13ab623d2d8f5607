import type { MissedOutcome, Promised, PromiseScope } from "../../api/promise-answers.ts"
import { useApi } from "../../api/use-api.ts"
import { promisedTime, promiseState, shareText } from "../../format/promise.ts"
import { countText } from "../../format/quantity.ts"
import { CopyButton, ListFoot, NewRows } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { useList } from "../../list/use-list.ts"
import { Link } from "../../parts/link.tsx"
import { Facts, Loaded, Page, Section } from "../../parts/page.tsx"
import { Amount, Amounts, State, When } from "../../parts/values.tsx"
import { usePart } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { Runbook } from "./runbook.tsx"

const t = en.promises

/** One promise: how it is measured, what is judged apart, and what was missed. */
export function PromiseScreen() {
  const name = usePart("id")
  const path = `/v1/promises/${encodeURIComponent(name)}`
  const reading = useApi<Promised>(path)
  return (
    <Page
      title={name.charAt(0).toUpperCase() + name.slice(1)}
      aside={reading.data && <State shown={promiseState(reading.data.says)} isBig />}
      reading={reading}
      acts={<CopyButton text={location.href} name={en.list.copyLink} />}
    >
      <Loaded reading={reading} lines={8}>
        {(promise) => (
          <>
            <PromiseFacts promise={promise} />
            <Scopes scopes={promise.scopes} />
            <Members path={`${path}/missed`} />
          </>
        )}
      </Loaded>
    </Page>
  )
}

function PromiseFacts({ promise }: { promise: Promised }) {
  const { of, target, owner = "operations", open, atRisk, overdue, moneyAtRisk, ifNobodyActs, runbook } = promise
  return (
    <Facts
      facts={[
        [t.measured, of],
        [t.in, promisedTime(promise)],
        [t.target, shareText(target)],
        [t.open, countText(open)],
        [t.atRisk, overdue > 0 ? `${countText(atRisk)}, ${t.overdue(countText(overdue))}` : countText(atRisk)],
        [t.moneyAtRisk, <Amounts key="money" amounts={moneyAtRisk} />],
        [t.owner, owner],
        ...(ifNobodyActs === undefined ? [] : ([[t.ifNobodyActs, ifNobodyActs]] as const)),
        ...(runbook === undefined ? [] : ([[t.runbook, <Runbook key="runbook" place={runbook} />]] as const)),
      ]}
    />
  )
}

const scopeColumns: readonly Column<PromiseScope>[] = [
  { head: t.state, cell: ({ says }) => <State shown={promiseState(says)} />, onCard: "aside" },
  { head: t.scope, cell: ({ scopeText }) => scopeText, onCard: "title" },
  { head: t.missed, cell: ({ bad, n }) => t.missedOf(countText(bad), countText(n)), isNumber: true },
  { head: t.burn, cell: ({ burn }) => t.burnText(burn.toFixed(1)), isNumber: true },
  { head: t.money, cell: ({ money }) => <Amounts amounts={money} />, isNumber: true },
  { head: en.exceptions.since, cell: ({ badSince }) => <When at={badSince} isShort /> },
  { head: en.alerts.what, cell: ({ why = "" }) => <span className="dim">{why}</span>, isWide: true, onCard: "text" },
]

function Scopes({ scopes }: { scopes: readonly PromiseScope[] }) {
  return (
    <Section title={t.scopes}>
      <p className="dim section-hint">{t.scopesHint}</p>
      {scopes.length === 0 ? (
        <p className="dim">{t.noScopes}</p>
      ) : (
        <List
          name={t.scopes}
          rows={scopes}
          columns={scopeColumns}
          keyOf={({ scope }) => scope.join("/") || "everything"}
        />
      )}
    </Section>
  )
}

const missedKey = ({ subject }: MissedOutcome) => subject
const memberColumns: readonly Column<MissedOutcome>[] = [
  {
    head: t.order,
    cell: ({ orderId, subject }) =>
      orderId === undefined ? subject : <Link to={paths.order(orderId)}>{orderId}</Link>,
    isWide: true,
    onCard: "title",
  },
  { head: t.channel, cell: ({ channel }) => channel ?? "–" },
  { head: t.store, cell: ({ store }) => store ?? "–" },
  { head: t.method, cell: ({ method }) => method ?? "–" },
  { head: en.exceptions.atRisk, cell: ({ money }) => <Amount money={money} />, isNumber: true },
  { head: t.due, cell: ({ dueAt }) => <When at={dueAt} isShort /> },
  {
    head: t.came,
    cell: ({ endedAt }) =>
      endedAt === undefined ? <State shown={{ role: "stopped", word: t.notYet }} /> : <When at={endedAt} isShort />,
    onCard: "aside",
  },
]

function Members({ path }: { path: string }) {
  const list = useList<MissedOutcome>(path, {}, { keyOf: missedKey })
  return (
    <Section title={t.members} aside={<NewRows count={list.newCount} onShow={list.showNew} />}>
      <Loaded reading={list.reading} lines={6}>
        {() =>
          list.rows.length === 0 ? (
            <p className="dim">{t.noMembers}</p>
          ) : (
            <>
              <List
                name={t.members}
                rows={list.rows}
                columns={memberColumns}
                keyOf={missedKey}
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
