import { AppError } from "../../base/errors.ts"
import { money, moneyText } from "../../base/money.ts"
import { table } from "../table.ts"
import type { Api } from "../api.ts"
import { needed, pageOf, withApi, word, type Page } from "../with-api.ts"

interface Gaps {
  storeId: string
  tillId: string
  epoch: string
  since: string
  outstanding: { from: number; to: number }[]
  ranges: number
}

interface Day {
  storeId: string
  businessDay: string
  state: string
  postAnywayAt?: string
  waitsFor: string[]
  carried: string[]
  tills: { tillId: string; lastSequence: number; receipts: number }[]
  counts: {
    sessionId: string
    tender: string
    currency: string
    expectedMinor?: number
    countedMinor?: number
    overShortMinor?: number
  }[]
  closures: {
    n: number
    zNumber: number
    reasons: string[]
    receiptCount: number
    tenders: { tender: string; currency: string; amountMinor: number }[]
    entries: { entryId: string }[]
    closedBy: string
    closedAt: string
  }[]
}

interface Found {
  businessDay: string
  epoch: string
  kind: string
  standing: string
  digest: string
  closure?: number
  entryIds?: string[]
  tookBack?: TakenBack[]
}

interface TakenBack {
  state: "waiting" | "older" | "standing" | "voided"
  original?: { storeId: string; tillId?: string; sequence: number; documentId?: string; lineId: string }
  orderId?: string
  sku?: string
  quantityMilli: number
  lostMinor: number
  currency: string
  why?: string
}

interface DroppedFile {
  folder: string
  name: string
  state: string
  bytes: number
  takenAt: string
  counts: Record<string, number>
  problems: { pointer: string; message: string }[]
}

interface Rebuilt {
  storeId: string
  differences: number
  upTo?: string
  cursor?: string
  items: { view: string; key: string; was: object | null; is: object | null }[]
}

const usage =
  "stores outstanding [store] | stores files [folder] | stores day <store> <date> | stores close <store> <date> | stores receipt <store> <till> <number> | stores receipt <store> <document> | stores rebuild <store> [--dry-run]"

/** `crossdock stores …`: what tills lack, how a store's day stands, closing it, and where a receipt is. */
export function runStores(args: string[]): Promise<number> {
  const options = {
    limit: { type: "string", default: "200" },
    "dry-run": { type: "boolean", default: false },
  } as const
  return withApi(args, options, async (api, { values, positionals }) => {
    const page = pageOf(values)
    const [verb, store, second, third] = [needed(positionals, usage), ...positionals.slice(1)]
    if (verb === "outstanding") {
      const found = await api.get<Page<Gaps>>("/v1/sales/outstanding", { storeId: word(store), ...page })
      return { data: found, text: () => outstandingText(found.items) + more(found) }
    }
    if (verb === "files") {
      const found = await api.get<Page<DroppedFile>>("/v1/sales/files", { folder: word(store), ...page })
      return { data: found, text: () => filesText(found.items) + more(found) }
    }
    if (verb === "rebuild") {
      const body = { storeId: store, dryRun: values["dry-run"] === true }
      const found = await rebuilt(api, { ...body, cursor: word(values["cursor"]) })
      return { data: found, text: () => rebuiltText(found, body) }
    }
    if (store === undefined || second === undefined) throw new AppError("REQUEST_INVALID", `say which: ${usage}`)
    if (verb === "receipt") {
      const called = third === undefined ? { documentId: second } : { tillId: second, sequence: third }
      const found = await api.get<Page<Found>>("/v1/sales", { storeId: store, ...called, ...page })
      return { data: found, text: () => receiptText(found.items) + more(found) }
    }
    const path = `/v1/store-days/${encodeURIComponent(store)}/${encodeURIComponent(second)}`
    if (verb !== "day" && verb !== "close") throw new AppError("REQUEST_INVALID", `say what: ${usage}`)
    const day = verb === "close" ? await api.post<Day>(`${path}/close`, {}) : await api.get<Day>(path)
    return { data: day, text: () => dayText(day) }
  })
}

const shownMax = 200

/** Has a store made anew part by part, and says on the way how far it is; what stopped it goes on by the cursor that was said last. */
async function rebuilt(
  api: Api,
  body: { storeId: string | undefined; dryRun: boolean; cursor: string | undefined },
): Promise<Rebuilt> {
  let part = await api.post<Rebuilt>("/v1/sales/rebuild", body)
  const whole: Rebuilt = { ...part }
  while (part.cursor !== undefined) {
    process.stderr.write(
      `up to ${part.upTo}: ${whole.differences} rows differ; it goes on by --cursor ${part.cursor}\n`,
    )
    part = await api.post<Rebuilt>("/v1/sales/rebuild", { ...body, cursor: part.cursor })
    whole.differences += part.differences
    whole.items = [...whole.items, ...part.items].slice(0, shownMax)
  }
  const { storeId, differences, items } = whole
  return { storeId, differences, items }
}

function rebuiltText({ storeId, differences, items }: Rebuilt, { dryRun }: { dryRun: boolean }): string {
  if (differences === 0) return `store ${storeId}: every receipt, number, day and closing is what the log says`
  const rest = differences - items.length
  return [
    `store ${storeId}: ${differences} rows ${dryRun ? "are" : "were"} not what the log says${dryRun ? "" : ", and are now"}`,
    table(
      ["view", "row", "was", "is in the log"],
      items.map(({ view, key, was, is }) => [view, key, was ? "other" : "missing", is ? "there" : "not there"]),
    ),
    ...(rest > 0 ? [`and ${rest} more`] : []),
  ].join("\n")
}

/** Says how to go on where there is more than a page. */
const more = ({ cursor }: { cursor?: string }) =>
  cursor === undefined ? "" : `\nThere is more: add --cursor ${cursor}`

function outstandingText(items: readonly Gaps[]): string {
  if (items.length === 0) return "every number of every till has come"
  return items
    .map(({ storeId, tillId, epoch, since, outstanding, ranges: all }) => {
      const ranges = outstanding.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`))
      return `store ${storeId} till ${tillId} epoch ${epoch}: ${ranges.join(", ")}${all > ranges.length ? `, and ${all - ranges.length} more ranges` : ""} outstanding since ${since}`
    })
    .join("\n")
}

const outcomes = ["accepted", "same as before", "parked", "conflict", "refused"]

function filesText(items: readonly DroppedFile[]): string {
  if (items.length === 0) return "no file has been read"
  const rows = items.map(({ folder, name, state, bytes, takenAt, counts, problems: [first] }) => [
    takenAt,
    folder,
    name,
    state,
    String(bytes),
    outcomes.flatMap((outcome) => (counts[outcome] === undefined ? [] : [`${counts[outcome]} ${outcome}`])).join(", "),
    first === undefined ? "" : `${first.pointer === "" ? "" : `${first.pointer}: `}${first.message}`,
  ])
  return table(["read", "folder", "file", "state", "bytes", "receipts", "first problem"], rows)
}

function receiptText(items: readonly Found[]): string {
  if (items.length === 0) return "no receipt has this number"
  const rows = items.map((one) => [
    one.businessDay,
    one.kind,
    one.standing,
    one.closure === undefined ? "not in the books" : one.closure === 0 ? "closing" : `correction ${one.closure}`,
    (one.entryIds ?? []).join(" "),
    one.digest,
  ])
  const tookBack = items.flatMap((one) => one.tookBack ?? []).map(tookBackText)
  return [table(["day", "kind", "standing", "taken by", "entries", "digest"], rows), ...tookBack].join("\n")
}

function tookBackText({ state, original, orderId, sku = "goods", quantityMilli, ...of }: TakenBack): string {
  const sold = original
    ? `line ${original.lineId} of store ${original.storeId}${original.tillId === undefined ? "" : ` till ${original.tillId}`}: ${original.documentId ?? original.sequence}`
    : `order ${orderId}`
  const lost = of.why === undefined ? "" : `: ${of.why}, ${amount(of.lostMinor, of.currency)} lost`
  const became = {
    waiting: ", whose receipt has not come",
    older: ", sold before the store's first day here: its receipt is not expected",
    standing: lost,
    voided: ": the receipt is void",
  }
  return `took back ${quantityMilli / 1000} × ${sku} of ${sold}${became[state]}`
}

const amount = (minor: number | undefined, currency: string) =>
  minor === undefined ? "" : moneyText(money(minor, currency))

function dayText(day: Day): string {
  const { storeId, businessDay, state, waitsFor, carried, tills, counts, closures, postAnywayAt } = day
  const until = state === "closing" && postAnywayAt ? `, posted at the latest at ${postAnywayAt}` : ""
  const parts = [
    `${businessDay} in store ${storeId}: ${state}${until}`,
    ...waitsFor.map((what) => `waits for ${what}`),
    ...carried,
    table(
      ["till", "last number", "receipts"],
      tills.map((till) => [till.tillId, String(till.lastSequence), String(till.receipts)]),
    ),
  ]
  if (counts.length > 0)
    parts.push(
      table(
        ["session", "tender", "expected", "counted", "over or short"],
        counts.map(({ sessionId, tender, currency, ...of }) => [
          sessionId,
          tender,
          amount(of.expectedMinor, currency),
          amount(of.countedMinor, currency),
          amount(of.overShortMinor, currency),
        ]),
      ),
    )
  for (const { n, zNumber, reasons, receiptCount, tenders, entries, closedBy, closedAt } of closures) {
    const what = n === 0 ? `closed by ${closedBy}` : `correction ${n} (${reasons.join(", ")})`
    const sums = tenders.map(({ tender, currency, amountMinor }) => `${tender} ${amount(amountMinor, currency)}`)
    parts.push(`Z ${zNumber}, ${closedAt}: ${what}, ${receiptCount} receipts: ${sums.join(", ") || "no money"}`)
    parts.push(...entries.map(({ entryId }) => `  entry ${entryId}`))
  }
  return parts.join("\n")
}
