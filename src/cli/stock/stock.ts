import { AppError } from "../../base/errors.ts"
import { durationText } from "../../base/time.ts"
import { table } from "../table.ts"
import { replenishment } from "./replenishment.ts"
import { needed, withApi, word, type Page } from "../with-api.ts"

interface Promised {
  channel?: string
  onHandMilli: number
  reservedMilli: number
  safetyStockMilli: number
  bufferMilli: number
  expectedMilli: number
  withheldMilli: number
  backorderLimitMilli: number
  availableToPromiseMilli: number
  freshnessAgeMs: number | null
  nextChangeAt?: string
  madeOf?: {
    parts: { sku: string; milli: number; availableToPromiseMilli: number; enoughForMilli: number }[]
    limitedBy: string
    apartMilli: number
  }
  sources: { locationId: string; ageMs: number; milliPerHour: number }[]
}

interface Article {
  sku: string
  isKnown: boolean
  places: {
    locationId: string
    state?: string
    onHandMilli: number
    reservedMilli: number
    heardAt?: string
    isSilent: boolean
  }[]
  promises: Promised[]
  bookings: {
    locationId: string
    state?: string
    kind: string
    deltaMilli: number
    onHandAfterMilli: number
    reason?: string
    occurredAt: string
  }[]
}

interface Regret {
  channel: string
  policy: string
  soldMilli: number
  refusedMilli: number
  oversoldMilli: number
  regretMinor: number
  currency: string
}

interface Difference {
  sku: string
  locationId?: string
  onHandMilli: { was: number; is: number }
  reservedMilli: { was: number; is: number }
}

const usage =
  "stock <SKU> [--location L] [--channel C] | stock rebuild [SKU] --reason R [--dry-run] | stock regret [--days N] [--fixed UNITS] | stock replenishment [--sku S] [--location L] [--below T]"

/** `crossdock stock …`: one article and why the number, what buffers cost, and positions recomputed from the ledger. */
export function runStock(args: string[]): Promise<number> {
  const options = {
    location: { type: "string" },
    channel: { type: "string" },
    reason: { type: "string" },
    days: { type: "string" },
    fixed: { type: "string" },
    sku: { type: "string" },
    below: { type: "string" },
    "dry-run": { type: "boolean", default: false },
  } as const
  return withApi(args, options, async (api, { values, positionals }) => {
    const first = needed(positionals, usage)
    if (first === "rebuild") {
      const reason = word(values["reason"])
      if (reason === undefined) throw new AppError("REQUEST_INVALID", "say why: --reason stands in the ledger")
      const body = {
        sku: positionals[1],
        locationId: word(values["location"]),
        dryRun: values["dry-run"] === true,
        reason,
      }
      const { items } = await api.post<Page<Difference>>(
        "/v1/stock/rebuild",
        JSON.parse(JSON.stringify(body)) as object,
      )
      return { data: { items }, text: () => differencesText(items, body.dryRun) }
    }
    if (first === "replenishment") return replenishment(api, values)
    if (first === "regret") {
      const asked = {
        days: word(values["days"]),
        fixedMilli: fixedOf(word(values["fixed"])),
        location: word(values["location"]),
      }
      const found = await api.get<Page<Regret> & { positions: number; since: string }>("/v1/stock-regret", asked)
      return { data: found, text: () => regretText(found) }
    }
    const query = { location: word(values["location"]), channel: word(values["channel"]) }
    const article = await api.get<Article>(`/v1/stock/${encodeURIComponent(first)}`, query)
    return { data: article, text: () => articleText(article) }
  })
}

const units = (milli: number) => String(milli / 1000)

function fixedOf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : String(Math.round(Number(text) * 1000))
}

function articleText({ sku, isKnown, places, promises, bookings }: Article): string {
  if (!isKnown && places.length === 0) return `${sku} never had stock`
  const where = places.map((one) => [
    one.locationId,
    one.state ?? "for sale",
    units(one.onHandMilli),
    units(one.reservedMilli),
    one.isSilent ? "silent" : (one.heardAt ?? ""),
  ])
  const booked = bookings.map((one) => [
    one.occurredAt,
    one.locationId + (one.state === undefined ? "" : ` (${one.state})`),
    one.kind,
    units(one.deltaMilli),
    units(one.onHandAfterMilli),
    one.reason ?? "",
  ])
  return [
    table(["place", "state", "on hand", "reserved", "heard"], where),
    "",
    ...promises.map(promiseText),
    "",
    table(["when", "place", "what", "change", "after", "why"], booked),
  ].join("\n")
}

function promiseText(one: Promised): string {
  const parts = [
    `${units(one.onHandMilli)} on hand`,
    `- ${units(one.reservedMilli)} reserved`,
    ...(one.safetyStockMilli > 0 ? [`- ${units(one.safetyStockMilli)} safety stock`] : []),
    ...(one.bufferMilli > 0 ? [`- ${units(one.bufferMilli)} buffer`] : []),
    ...(one.withheldMilli > 0 ? [`- ${units(one.withheldMilli)} at silent places`] : []),
    ...(one.backorderLimitMilli > 0 ? [`+ ${units(one.backorderLimitMilli)} backorders`] : []),
  ]
  const oldest = one.freshnessAgeMs === null ? "" : `; heard ${durationText(one.freshnessAgeMs)} ago`
  const next = one.nextChangeAt === undefined ? "" : `; next change ${one.nextChangeAt}`
  const sum = one.madeOf ? madeOfText(one.madeOf) : `= ${parts.join(" ")}`
  return `${one.channel ?? "any channel"}: ${units(one.availableToPromiseMilli)} ${sum}${oldest}${next}`
}

/** `limited by COLA: 100 may be promised, 24 in each; CUP is enough for 9` */
function madeOfText({ parts, limitedBy, apartMilli }: NonNullable<Promised["madeOf"]>): string {
  const [least] = parts.filter(({ sku }) => sku === limitedBy)
  const others = parts.filter(({ sku }) => sku !== limitedBy)
  return [
    `limited by ${limitedBy}: ${units(least?.availableToPromiseMilli ?? 0)} may be promised, ${units(least?.milli ?? 0)} in each`,
    ...others.map((part) => `${part.sku} is enough for ${units(part.enoughForMilli)}`),
    ...(apartMilli > 0 ? [`${units(apartMilli)} lie at different places`] : []),
  ].join("; ")
}

function regretText({ items, positions, since }: { items: Regret[]; positions: number; since: string }): string {
  const rows = items.map((one) => [
    one.channel,
    one.policy,
    units(one.soldMilli),
    units(one.refusedMilli),
    units(one.oversoldMilli),
    `${(one.regretMinor / 100).toFixed(2)} ${one.currency}`,
  ])
  return [
    `${positions} positions since ${since}`,
    table(["channel", "buffer", "sold", "refused", "oversold", "cost"], rows),
  ].join("\n")
}

function differencesText(items: readonly Difference[], isDryRun: boolean): string {
  if (items.length === 0) return "every position is what the ledger says"
  const rows = items.map(({ sku, locationId, onHandMilli, reservedMilli }) => [
    sku,
    locationId ?? "all",
    `${units(onHandMilli.was)} → ${units(onHandMilli.is)}`,
    `${units(reservedMilli.was)} → ${units(reservedMilli.is)}`,
  ])
  return [table(["SKU", "place", "on hand", "reserved"], rows), isDryRun ? "nothing was changed" : "corrected"].join(
    "\n",
  )
}
