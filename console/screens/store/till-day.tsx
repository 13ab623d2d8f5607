import { useState } from "react"
import { apiPath, change } from "../../api/client.ts"
import type { Page as Items } from "../../api/answers.ts"
import { useRight } from "../../api/session.ts"
import type { StoreClosure, StoreDay, StoreDayRow, TenderCount } from "../../api/store-answers.ts"
import { queryClient, useApi } from "../../api/use-api.ts"
import type { Role } from "../../format/roles.ts"
import { Choice, Filters } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { ConfirmDialog } from "../../parts/dialog.tsx"
import { Loaded, Section, useIsStale } from "../../parts/page.tsx"
import { Amount, Amounts, State, When } from "../../parts/values.tsx"
import { useFilters, useGo } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.store

const roles: Readonly<Record<StoreDay["state"], Role>> = { open: "moving", closing: "waiting", closed: "done" }

const tillColumns: readonly Column<StoreDay["tills"][number]>[] = [
  { head: t.till, cell: ({ tillId }) => `${t.till} ${tillId}`, isWide: true, onCard: "title" },
  { head: t.lastNumber, cell: ({ lastSequence }) => lastSequence, isNumber: true },
  { head: t.receipts, cell: ({ receipts }) => receipts, isNumber: true, onCard: "aside" },
]

const amountOf = (amountMinor: number | undefined, currency: string) => (
  <Amount money={amountMinor === undefined ? undefined : { amountMinor, currency }} />
)
const countColumns: readonly Column<TenderCount>[] = [
  { head: t.session, cell: ({ sessionId }) => sessionId, isWide: true, onCard: "title" },
  { head: t.tender, cell: ({ tender }) => tender, onCard: "aside" },
  { head: t.expected, cell: ({ expectedMinor, currency }) => amountOf(expectedMinor, currency), isNumber: true },
  { head: t.countedCash, cell: ({ countedMinor, currency }) => amountOf(countedMinor, currency), isNumber: true },
  { head: t.overShort, cell: ({ overShortMinor, currency }) => amountOf(overShortMinor, currency), isNumber: true },
]

const closureColumns: readonly Column<StoreClosure>[] = [
  {
    head: t.closings,
    cell: ({ zNumber, n, reasons }) =>
      t.closingOf(zNumber, n, reasons.map((reason) => t.reasons[reason] ?? reason).join(", ")),
    isWide: true,
    onCard: "title",
  },
  { head: t.receipts, cell: ({ receiptCount }) => receiptCount, isNumber: true },
  { head: t.adds, cell: ({ tenders }) => <Amounts amounts={sums(tenders)} />, isNumber: true, onCard: "aside" },
  { head: t.when, cell: ({ closedAt }) => <When at={closedAt} /> },
]

/** One amount a currency: currencies are never added. */
function sums(tenders: StoreClosure["tenders"]) {
  const byCurrency = new Map<string, number>()
  for (const { currency, amountMinor } of tenders)
    byCurrency.set(currency, (byCurrency.get(currency) ?? 0) + amountMinor)
  return [...byCurrency].map(([currency, amountMinor]) => ({ currency, amountMinor }))
}

/** The days of a store's tills. A place of which no till ever told anything has none. */
export function TillDays({ place }: { place: string }) {
  const go = useGo()
  const { day, sku } = useFilters()
  const days = useApi<Items<StoreDayRow>>(apiPath("/v1/store-days", { storeId: place, limit: "200" }))
  const items = days.data?.items ?? []
  const chosen = day ?? items[0]?.businessDay
  if (items.length === 0 || chosen === undefined) return null
  return (
    <Section title={t.tills}>
      <Filters>
        <Choice
          name={t.day}
          value={chosen}
          isAlwaysSet
          choices={items.map(
            ({ businessDay, state }) => [businessDay, `${businessDay}, ${t.dayState[state] ?? state}`] as const,
          )}
          onChange={(value) => go(paths.store({ at: place, sku, day: value }))}
        />
      </Filters>
      <OneDay key={chosen} place={place} day={chosen} />
    </Section>
  )
}

function OneDay({ place, day }: { place: string; day: string }) {
  const path = `/v1/store-days/${encodeURIComponent(place)}/${day}`
  const reading = useApi<StoreDay>(path)
  const isStale = useIsStale(reading)
  return (
    <Loaded reading={reading} lines={4}>
      {(found) => (
        <>
          <p className="lead">
            <State shown={{ role: roles[found.state], word: t.dayState[found.state] ?? found.state }} />
          </p>
          <Waits day={found} />
          {found.state === "open" && <CloseDay path={path} day={day} isStale={isStale} />}
          <List name={t.tills} rows={found.tills} columns={tillColumns} keyOf={({ tillId }) => tillId} />
          {found.counts.length > 0 && (
            <>
              <h3 className="sub">{t.countsOfDay}</h3>
              <List
                name={t.countsOfDay}
                rows={found.counts}
                columns={countColumns}
                keyOf={({ sessionId, tender, currency }) => `${sessionId} ${tender} ${currency}`}
              />
            </>
          )}
          {found.closures.length > 0 && (
            <>
              <h3 className="sub">{t.closings}</h3>
              <List name={t.closings} rows={found.closures} columns={closureColumns} keyOf={({ n }) => String(n)} />
            </>
          )}
        </>
      )}
    </Loaded>
  )
}

/** What keeps the day from being closed, or what it was closed without. */
function Waits({ day: { state, waitsFor, carried, closures, postAnywayAt } }: { day: StoreDay }) {
  const lacks = state === "closed" ? (closures[0]?.missing ?? []) : waitsFor
  if (lacks.length === 0 && carried.length === 0) return state === "closing" ? <p className="dim">{t.isWhole}</p> : null
  return (
    <>
      <h3 className="sub">{state === "closed" ? t.withoutThese : t.waitsFor}</h3>
      <ul className="linked">
        {[...lacks, ...carried].map((what) => (
          <li key={what}>{what}</li>
        ))}
      </ul>
      {state === "closing" && (
        <p className="dim">
          {t.postedAtLatest} <When at={postAnywayAt} isShort />
        </p>
      )}
    </>
  )
}

function CloseDay({ path, day, isStale }: { path: string; day: string; isStale: boolean }) {
  const right = useRight("close store days")
  const [isAsking, setAsking] = useState(false)
  const close = async () => {
    await change("POST", `${path}/close`, { body: {} })
    await queryClient.invalidateQueries()
  }
  return (
    <>
      <p>
        <button
          type="button"
          className="button primary"
          disabled={!right.isAllowed || isStale}
          onClick={() => setAsking(true)}
        >
          {t.closeDay}
        </button>
      </p>
      {!right.isAllowed && <p className="why-off">{right.reason ?? en.limits}</p>}
      {isAsking && (
        <ConfirmDialog
          title={t.closeDayTitle(day)}
          does={t.closeDayDoes}
          confirm={t.closeDay}
          onConfirm={close}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  )
}
