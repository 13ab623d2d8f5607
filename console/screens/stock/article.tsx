import type { ArticleBooking, ArticlePlace, ArticleStock, Availability, StockSource } from "../../api/store-answers.ts"
import { apiPath } from "../../api/client.ts"
import { useApi } from "../../api/use-api.ts"
import { quantityText } from "../../format/quantity.ts"
import { lengthText } from "../../format/time.ts"
import { List, type Column } from "../../list/list.tsx"
import { Loaded, Section } from "../../parts/page.tsx"
import { When } from "../../parts/values.tsx"
import { en } from "../../texts/en.ts"

const t = en.stock

const sourceColumns: readonly Column<StockSource>[] = [
  { head: t.source, cell: ({ locationId }) => <strong>{locationId}</strong>, onCard: "title" },
  { head: t.sells, cell: ({ milliPerHour }) => quantityText(milliPerHour), isNumber: true },
  { head: t.bursts, cell: ({ dispersion }) => (dispersion > 1 ? t.times(dispersion) : t.steady), isNumber: true },
  { head: t.heard, cell: ({ heardAt }) => <When at={heardAt} isShort />, onCard: "aside" },
]

const placeColumns: readonly Column<ArticlePlace>[] = [
  { head: en.store.place, cell: ({ locationId }) => <strong>{locationId}</strong>, onCard: "title" },
  { head: t.state, cell: ({ state, isPooled }) => t.states[state ?? ""] ?? (isPooled ? t.forSale : t.onlyByName) },
  { head: t.onHand, cell: ({ onHandMilli }) => quantityText(onHandMilli), isNumber: true, onCard: "aside" },
  { head: t.reserved, cell: ({ reservedMilli }) => quantityText(reservedMilli), isNumber: true },
  { head: t.heard, cell: ({ heardAt, isSilent }) => (isSilent ? t.silent : <When at={heardAt} isShort />) },
]

const bookingColumns: readonly Column<ArticleBooking>[] = [
  {
    head: t.what,
    cell: ({ kind, reason }) => reason ?? en.store.bookings[kind] ?? kind,
    isWide: true,
    onCard: "title",
  },
  {
    head: en.store.place,
    cell: ({ locationId, state }) => (state ? `${locationId}, ${t.states[state] ?? state}` : locationId),
  },
  {
    head: en.store.change,
    cell: ({ deltaMilli }) => `${deltaMilli > 0 ? "+" : ""}${quantityText(deltaMilli)}`,
    isNumber: true,
  },
  { head: en.store.after, cell: ({ onHandAfterMilli }) => quantityText(onHandAfterMilli), isNumber: true },
  { head: en.store.when, cell: ({ occurredAt }) => <When at={occurredAt} />, onCard: "aside" },
]

/** The first number of the table as a sentence, and where its buffer comes from. */
export function WhyThisNumber({ one }: { one: Availability }) {
  const { sources, expectedMilli, bufferMilli, withheldMilli, nextChangeAt } = one
  return (
    <>
      <p className="lead">
        <strong>{t.mayPromise(quantityText(one.availableToPromiseMilli))}</strong>
        {one.freshnessAgeMs === null ? "" : ` ${t.oldest(lengthText(one.freshnessAgeMs))}`}
        {sources.length > 0 &&
          ` ${t.probablySold(quantityText(Math.round(expectedMilli / 100) * 100), quantityText(bufferMilli))}`}
        {withheldMilli > 0 && ` ${t.withheld(quantityText(withheldMilli))}`}
        {nextChangeAt !== undefined && (
          <>
            {` ${t.changesNext} `}
            <When at={nextChangeAt} isShort />.
          </>
        )}
      </p>
    </>
  )
}

/** The places whose own systems sell it: what the buffer is for. */
export function Sources({ one: { sources } }: { one: Availability }) {
  if (sources.length === 0) return null
  return (
    <>
      <h3 className="sub">{t.sources}</h3>
      <List name={t.sources} rows={sources} columns={sourceColumns} keyOf={({ locationId }) => locationId} />
    </>
  )
}

/** Where an article is, in every state, and what was booked of it last. */
export function WhereItIs({ sku }: { sku: string }) {
  const reading = useApi<ArticleStock>(apiPath(`/v1/stock/${encodeURIComponent(sku)}`, {}))
  return (
    <Loaded reading={reading} lines={3}>
      {({ places, bookings }) =>
        places.length === 0 ? null : (
          <>
            <Section title={t.where}>
              <List
                name={t.where}
                rows={places}
                columns={placeColumns}
                keyOf={({ locationId, state }) => `${locationId} ${state ?? ""}`}
              />
            </Section>
            <Section title={en.store.booked}>
              <List
                name={en.store.booked}
                rows={bookings}
                columns={bookingColumns}
                keyOf={({ locationId, state, recordedAt, onHandAfterMilli, kind }) =>
                  `${locationId} ${state ?? ""} ${recordedAt} ${onHandAfterMilli} ${kind}`
                }
              />
            </Section>
          </>
        )
      }
    </Loaded>
  )
}
