import { useRef, useState } from "react"
import { apiPath } from "../../api/client.ts"
import { useRight } from "../../api/session.ts"
import type { Page as Items } from "../../api/answers.ts"
import type { Availability, HeldLine, LedgerEntry } from "../../api/store-answers.ts"
import { useApi } from "../../api/use-api.ts"
import { quantityText } from "../../format/quantity.ts"
import { List, type Column } from "../../list/list.tsx"
import { Empty } from "../../parts/failed.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Section, useIsStale } from "../../parts/page.tsx"
import { When } from "../../parts/values.tsx"
import { useGo } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { ReportCount } from "./report-count.tsx"

const t = en.store

const bookingColumns: readonly Column<LedgerEntry>[] = [
  { head: t.what, cell: ({ kind, reason }) => reason ?? t.bookings[kind] ?? kind, isWide: true, onCard: "title" },
  {
    head: t.change,
    cell: ({ deltaMilli }) => `${deltaMilli > 0 ? "+" : ""}${quantityText(deltaMilli)}`,
    isNumber: true,
  },
  { head: t.after, cell: ({ onHandAfterMilli }) => quantityText(onHandAfterMilli), isNumber: true },
  { head: t.when, cell: ({ occurredAt }) => <When at={occurredAt} />, onCard: "aside" },
]

/** "The system says 3, the shelf 0": what is there, for whom, and what was booked last; then a count. */
export function WhySku({ place, sku }: { place: string; sku: string }) {
  const go = useGo()
  const field = useRef<HTMLInputElement>(null)
  return (
    <Section title={t.why}>
      <form
        className="filters"
        onSubmit={(event) => {
          event.preventDefault()
          go(paths.store({ at: place, sku: field.current?.value.trim() }))
        }}
      >
        <label className="choice">
          <span>{t.sku}</span>
          <input key={sku} ref={field} type="search" defaultValue={sku} placeholder={t.skuHint} autoComplete="off" />
        </label>
        <button type="submit" className="button">
          {t.ask}
        </button>
      </form>
      {sku !== "" && <OneSku key={sku} place={place} sku={sku} />}
    </Section>
  )
}

function OneSku({ place, sku }: { place: string; sku: string }) {
  const right = useRight("count stock")
  const [isCounting, setCounting] = useState(false)
  const availability = useApi<Items<Availability>>(apiPath("/v1/availability", { sku, location: place }))
  const isOff = !right.isAllowed || useIsStale(availability)
  return (
    <Loaded reading={availability} lines={3}>
      {({ items: [found] }) =>
        !found?.isKnown ? (
          <Empty title={t.unknown(sku)} hint={t.skuHint} />
        ) : (
          <>
            <p className="lead">
              <strong>{t.says(quantityText(found.onHandMilli))}</strong>
              {`, ${t.reservedFor(quantityText(found.reservedMilli))}, ${t.free(quantityText(found.onHandMilli - found.reservedMilli))}.`}
            </p>
            <p>
              <button type="button" className="button primary" disabled={isOff} onClick={() => setCounting(true)}>
                {t.count}
              </button>
            </p>
            {!right.isAllowed && <p className="why-off">{right.reason ?? en.limits}</p>}
            <Held place={place} sku={sku} />
            <Bookings place={place} sku={sku} />
            {isCounting && <ReportCount place={place} now={found} onClose={() => setCounting(false)} />}
          </>
        )
      }
    </Loaded>
  )
}

function Held({ place, sku }: { place: string; sku: string }) {
  const reading = useApi<Items<HeldLine>>(apiPath("/v1/reservations", { sku, location: place, limit: 20 }))
  return (
    <>
      <h3 className="sub">{t.holds}</h3>
      <Loaded reading={reading} lines={2}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="dim">{t.holdsNothing}</p>
          ) : (
            <ul className="linked">
              {items.map(({ orderId, owner, heldMilli, reservedAt }) => (
                <li key={`${orderId ?? owner} ${reservedAt}`}>
                  <span>{quantityText(heldMilli)} ×</span>
                  {orderId === undefined ? owner : <Link to={paths.order(orderId)}>{orderId}</Link>}
                  <When at={reservedAt} isShort />
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </>
  )
}

function Bookings({ place, sku }: { place: string; sku: string }) {
  const reading = useApi<Items<LedgerEntry>>(apiPath("/v1/stock-movements", { sku, location: place, limit: 10 }))
  return (
    <>
      <h3 className="sub">{t.booked}</h3>
      <Loaded reading={reading} lines={3}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="dim">{t.bookedNothing}</p>
          ) : (
            <List
              name={t.booked}
              rows={items}
              columns={bookingColumns}
              keyOf={({ occurredAt, recordedAt, onHandAfterMilli }) =>
                `${occurredAt} ${recordedAt} ${onHandAfterMilli}`
              }
            />
          )
        }
      </Loaded>
    </>
  )
}
