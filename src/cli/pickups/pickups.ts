import { AppError } from "../../base/errors.ts"
import { quantityToDecimal } from "../../base/quantity.ts"
import type { Api } from "../api.ts"
import { table } from "../table.ts"
import { needed, pageOf, pageText, withApi, withoutCursor, word, type Page } from "../with-api.ts"

interface Line {
  lineId: string
  sku: string
  title: string
  unit: string
  askedMilli: number
  foundMilli: number
  missingMilli: number
  takenMilli: number
  putBackMilli: number
}

interface Pickup {
  pickupId: string
  orderId: string
  number: string
  locationId: string
  method: string
  state: string
  readyBy?: string
  keptUntil?: string
  lines: Line[]
}

interface OnePickup extends Pickup {
  facts: { type: string; time: string; source: string }[]
}

const says = ["accept", "pick", "reject", "hand-over", "keep-longer", "put-back"] as const
const usage = `pickups [<id>] [--place P] [--order O] [--open] | pickups pick <id> [--found L=N,…] [--missing L=N,…] | pickups hand-over <id> [--code C | --proof P] | pickups accept|reject|put-back|keep-longer <id> [--reason R] [--until T]`

const options = {
  place: { type: "string" },
  order: { type: "string" },
  open: { type: "boolean", default: false },
  found: { type: "string" },
  missing: { type: "string" },
  reason: { type: "string" },
  code: { type: "string" },
  proof: { type: "string" },
  until: { type: "string" },
  id: { type: "string" },
} as const

type Given = Parameters<Parameters<typeof withApi>[2]>[1]

/** `crossdock pickups …`: what stores get ready, one of it with its facts, and what a store says of it. */
export function runPickups(args: string[]): Promise<number> {
  return withApi(args, options, async (api, given) => {
    const [first] = given.positionals
    if (first === undefined) return list(api, args, given)
    if (says.some((name) => name === first)) return say(api, given)
    const one = await api.get<OnePickup>(`/v1/pickups/${encodeURIComponent(first)}`)
    return { data: one, text: () => oneText(one) }
  })
}

async function list(api: Api, args: string[], { values }: Given) {
  const query = {
    ...pageOf(values),
    location: word(values["place"]),
    order: word(values["order"]),
    open: values["open"] === true ? "true" : undefined,
  }
  const page = await api.get<Page<Pickup>>("/v1/pickups", query)
  const shown = { command: ["pickups", ...withoutCursor(args)], path: "/v1/pickups", query, page }
  return { data: page, text: () => pageText(api, { ...shown, text: listText, none: "nothing is to be got ready" }) }
}

async function say(api: Api, { values, positionals }: Given) {
  const [what = ""] = positionals
  const pickupId = needed(positionals.slice(1), usage)
  const { lines: asked } = await api.get<OnePickup>(`/v1/pickups/${encodeURIComponent(pickupId)}`)
  const lines = (name: "found" | "missing") =>
    word(values[name])
      ?.split(",")
      .map((text) => lineOf(text, asked))
  const said = {
    found: lines("found"),
    missing: lines("missing"),
    ...Object.fromEntries((["reason", "code", "proof", "until"] as const).map((name) => [name, word(values[name])])),
  }
  const body = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
  // The same words are one report, unless somebody names another.
  const { code: _code, ...words } = body
  const id = word(values["id"]) ?? `cli:${JSON.stringify(words)}`.slice(0, 128)
  const answer = await api.post<{ pickupId: string }>(`/v1/pickups/${encodeURIComponent(pickupId)}/${what}`, {
    id,
    ...body,
  })
  return { data: answer, text: () => `accepted: ${what} ${answer.pickupId}` }
}

/** `9001=2`: two of line 9001, in the unit of the line. */
function lineOf(text: string, asked: readonly Line[]) {
  const [lineId = "", number = "1"] = text.split("=")
  const milli = Math.round(Number(number) * 1000)
  if (!(milli > 0)) throw new AppError("REQUEST_INVALID", `${text} is no line and number, such as 9001=2`)
  const unit = asked.find((line) => line.lineId === lineId)?.unit ?? "ea"
  return { lineId, quantity: { milli, unit } }
}

const count = (milli: number, unit: string) => quantityToDecimal({ milli, unit })

function listText(items: readonly Pickup[]): string {
  const rows = items.map((one) => [
    one.pickupId,
    one.number,
    one.locationId,
    one.method,
    one.state,
    one.keptUntil ?? one.readyBy ?? "",
    one.lines.map(({ askedMilli, unit, sku }) => `${count(askedMilli, unit)} × ${sku}`).join(", "),
  ])
  return table(["pickup", "order", "place", "by", "state", "ready or kept until", "goods"], rows)
}

function oneText(one: OnePickup): string {
  const lines = one.lines.map((line) => [
    line.lineId,
    line.sku,
    line.title,
    ...[line.askedMilli, line.foundMilli, line.missingMilli, line.takenMilli, line.putBackMilli].map((milli) =>
      count(milli, line.unit),
    ),
  ])
  return [
    listText([one]),
    "",
    table(["line", "SKU", "article", "asked", "found", "missing", "handed over", "put back"], lines),
    "",
    table(
      ["when", "what", "who"],
      one.facts.map(({ time, type, source }) => [time, type, source]),
    ),
  ].join("\n")
}
