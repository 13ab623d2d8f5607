import { isCurrency } from "../../base/money.ts"
import { epochMs, instant, isMoment, momentOf, parseInstant, type DayPlace } from "../../base/time.ts"
import type { Receipt } from "../../canonical/sales/receipt.ts"
import type { PoslogPolicy } from "./policy.ts"
import type { Spot } from "./spot.ts"

/** What every transaction says of itself. */
export type Header = Pick<
  Receipt,
  | "storeId"
  | "tillId"
  | "sequence"
  | "businessDay"
  | "beganAt"
  | "endedAt"
  | "utcOffsetMinutes"
  | "isOffline"
  | "cashier"
  | "currency"
>

/** The stores, and what the retailer's words mean. */
export interface PoslogSetting {
  stores: ReadonlyMap<string, DayPlace>
  policy: PoslogPolicy
}

/**
 * Store, workstation, sequence, business day: what identifies a transaction (ARTS POSLog 6.0); and when, by whom and in what money.
 * Undefined, with every problem noted, when it cannot be told.
 */
export function readHeader(transaction: Spot, { stores, policy }: PoslogSetting): Header | undefined {
  const storeId = readStore(transaction, policy)
  const place = stores.get(storeId ?? "")
  if (storeId !== undefined && !place) transaction.fail(`there is no store "${storeId}"`)
  const tillId = transaction.value("WorkstationID") ?? transaction.fail("expected the till's id", "/WorkstationID")
  const sequence = readNumber(transaction.child("SequenceNumber") ?? transaction)
  const day = transaction.child("BusinessDayDate")
  const businessDay = day && readDay(day)
  const ended = readEnd(transaction, place)
  const began = transaction.child("BeginDateTime")
  const beganAt = began && readTime(began, place)
  const currency = readCurrency(transaction)
  const cashier = transaction.value("OperatorID")
  if (storeId === undefined || !place || tillId === undefined || sequence === undefined) return undefined
  if (!ended || currency === undefined || (day && businessDay === undefined) || (began && !beganAt)) return undefined
  return {
    storeId,
    tillId,
    sequence,
    ...(businessDay === undefined ? {} : { businessDay }),
    ...(beganAt ? { beganAt: beganAt.at } : {}),
    endedAt: ended.at,
    ...(ended.offset === undefined ? {} : { utcOffsetMinutes: ended.offset }),
    ...(transaction.flag("OfflineFlag") ? { isOffline: true } : {}),
    ...(cashier === undefined ? {} : { cashier }),
    currency,
  }
}

/** BusinessUnit/UnitID of POSLog 6, RetailStoreID of the versions before it; Wincor Nixdorf writes both. */
export function readStore(spot: Spot, { stores = {} }: PoslogPolicy): string | undefined {
  const units = spot.all("BusinessUnit").flatMap((unit) => unit.all("UnitID"))
  const named = units.length > 1 ? units.filter((unit) => unit.attribute("TypeCode") === "RetailStore") : units
  const ids = [...named.map(({ text }) => text), ...[spot.value("RetailStoreID")].flatMap((id) => id ?? [])]
  const [id, ...others] = [...new Set(ids)]
  if (id === undefined || id === "") return spot.fail("expected the store's id", "/BusinessUnit/UnitID")
  if (others.length > 0) return spot.fail(`expected one store, not ${ids.join(" and ")}`, "/BusinessUnit/UnitID")
  return Object.hasOwn(stores, id) ? stores[id] : id
}

/** A number that a till gives. */
export function readNumber(spot: Spot): number | undefined {
  if (!/^\d{1,12}$/.test(spot.text))
    return spot.element.local === "SequenceNumber" || spot.element.local === "LineItemSequenceNumber"
      ? spot.fail("expected a whole number")
      : spot.fail("expected a whole number", "/SequenceNumber")
  return Number(spot.text)
}

/** An xs:date: it may have a time zone behind it, which says nothing of a business day. */
export function readDay(spot: Spot): string | undefined {
  const day = /^(\d{4}-\d{2}-\d{2})(Z|[+-]\d{2}:\d{2})?$/.exec(spot.text)?.[1]
  return day !== undefined && isMoment(`${day}T00:00:00Z`) ? day : spot.fail("expected a day as YYYY-MM-DD")
}

interface Told {
  at: string
  offset?: number
}

function readEnd(transaction: Spot, place: DayPlace | undefined): Told | undefined {
  const retail = transaction.child("RetailTransaction")
  const candidates = [
    transaction.child("EndDateTime"),
    transaction.child("POSLogDateTime"),
    transaction.child("ReceiptDateTime"),
    retail?.child("ReceiptDateTime"),
    transaction.child("BeginDateTime"),
  ]
  const found = candidates.find((spot) => spot !== undefined)
  return found ? readTime(found, place) : transaction.fail("expected when it ended", "/EndDateTime")
}

/** An xs:dateTime. Without an offset it is the store's own time; of an hour that comes twice, the first. */
function readTime(spot: Spot, place: DayPlace | undefined): Told | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(?::(\d{2})(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?$/.exec(spot.text)
  const [, day = "", time = "", seconds = "00", fraction = "", zone] = match ?? []
  if (!match || !isMoment(`${day}T${time}:${seconds}Z`))
    return spot.fail("expected a time as YYYY-MM-DDThh:mm:ss+hh:mm")
  if (zone !== undefined) {
    const at = parseInstant(`${day}T${time}:${seconds}${fraction}${zone}`)
    if (at === undefined) return spot.fail("expected a time as YYYY-MM-DDThh:mm:ss+hh:mm")
    const [hours = 0, minutes = 0] = zone === "Z" ? [] : zone.slice(1).split(":").map(Number)
    return zone === "Z" ? { at } : { at, offset: (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) }
  }
  // Whose time it is cannot be told; that there is no such store is told already.
  if (!place) return undefined
  const ms = Number(`${seconds}${fraction}`) * 1000
  return { at: instant(epochMs(momentOf(day, time, place.timeZone)) + Math.round(ms)) }
}

/** CurrencyCode; or the one that every amount names. */
function readCurrency(transaction: Spot): string | undefined {
  const currency = transaction.value("CurrencyCode")
  if (currency !== undefined)
    return isCurrency(currency) ? currency : transaction.fail("expected a currency of ISO 4217", "/CurrencyCode")
  const named = new Set<string>()
  const walk = (spot: Spot): void => {
    const own = spot.attribute("Currency")
    if (own !== undefined) named.add(own)
    for (const child of spot.own()) walk(child)
  }
  walk(transaction)
  const [only, ...others] = named
  if (only !== undefined && others.length === 0 && isCurrency(only)) return only
  return transaction.fail("expected the currency", "/CurrencyCode")
}
