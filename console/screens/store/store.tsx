import { useMe } from "../../api/session.ts"
import type { Page as Items } from "../../api/answers.ts"
import type { Pickup, Place, PlaceWork } from "../../api/store-answers.ts"
import { useApi } from "../../api/use-api.ts"
import { useList } from "../../list/use-list.ts"
import { Choice, CopyButton, Filters } from "../../list/around.tsx"
import { StateIcon } from "../../parts/icon.tsx"
import { Loaded, Page, useIsStale } from "../../parts/page.tsx"
import { When } from "../../parts/values.tsx"
import { useFilters, useGo } from "../../routes/navigation.ts"
import { basePath, paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { StoreOrders } from "./orders.tsx"
import { pickupKey, StorePickups } from "./pickups.tsx"
import { WhySku } from "./sku.tsx"
import { TillDays } from "./till-day.tsx"

const t = en.store

/** One store for the people who work there: whether all is well, what is to be sent, and why the system says what it says. */
export function StoreScreen() {
  const go = useGo()
  const { at, sku } = useFilters()
  const places = useApi<Items<Place>>("/v1/locations", { isSteady: true })
  const own = useMe().data?.stores
  // Somebody of one store need not choose.
  const place = at ?? (own?.length === 1 ? own[0] : undefined)
  return (
    <Page
      title={place ?? t.title}
      acts={
        place && <CopyButton text={`${location.origin}${basePath}${paths.store({ at: place, sku })}`} name={t.copy} />
      }
    >
      <Loaded reading={places} lines={3}>
        {({ items }) => (
          <>
            {own?.length !== 1 && (
              <Filters>
                <Choice
                  name={t.place}
                  value={place}
                  choices={ordered(items).map(({ id }) => [id, id] as const)}
                  onChange={(id) => go(paths.store({ at: id }))}
                />
              </Filters>
            )}
            {place === undefined ? <p className="lead dim">{t.choose}</p> : <OneStore key={place} place={place} />}
          </>
        )}
      </Loaded>
    </Page>
  )
}

/** Stores first: warehouses have screens of their own. */
function ordered(places: readonly Place[]): Place[] {
  return [...places].sort((a, b) => Number(a.kind !== "store") - Number(b.kind !== "store") || (a.id < b.id ? -1 : 1))
}

function OneStore({ place }: { place: string }) {
  const { sku = "" } = useFilters()
  const reading = useApi<PlaceWork>(`/v1/locations/${encodeURIComponent(place)}/work`)
  const pickups = useList<Pickup>("/v1/pickups", { location: place, open: "true" }, { keyOf: pickupKey })
  const isStale = useIsStale(reading)
  // An order that stands among the pickups is left out of the list below them.
  const gotReady = new Set(pickups.rows.map(({ orderId }) => orderId))
  return (
    <>
      <Loaded reading={reading} lines={6}>
        {(work) => (
          <>
            <Well work={work} />
            {/* Without the pickups nobody knows which orders stand among them, and a row once shown stays. */}
            <Loaded reading={pickups.reading}>
              {() => (
                <>
                  <StorePickups list={pickups} isStale={isStale} />
                  <StoreOrders
                    place={place}
                    work={{ ...work, orders: work.orders.filter(({ orderId }) => !gotReady.has(orderId)) }}
                    isStale={isStale}
                  />
                </>
              )}
            </Loaded>
          </>
        )}
      </Loaded>
      <TillDays place={place} />
      <WhySku place={place} sku={sku} />
    </>
  )
}

function Well({ work: { orders } }: { work: PlaceWork }) {
  const needs = orders.filter(({ exceptions }) => exceptions > 0).length
  const [oldest] = orders
  const isWell = needs === 0
  return (
    <div className={`headline ${isWell ? "done" : "needs"}`}>
      <StateIcon role={isWell ? "done" : "needs"} />
      <div>
        <p className="headline-title">{isWell ? t.well : t.needs(needs)}</p>
        <p>
          {oldest === undefined ? (
            t.nothing
          ) : (
            <>
              {t.toSend(orders.length)}. {t.oldest} <When at={oldest.reservedAt} isShort />.
            </>
          )}
        </p>
      </div>
    </div>
  )
}
