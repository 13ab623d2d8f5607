import { AppError } from "../../base/errors.ts"
import { moneyText, type Money } from "../../base/money.ts"
import type { Api } from "../api.ts"
import { table } from "../table.ts"
import { needed, pageOf, pageText, withApi, withoutCursor, word, type Page } from "../with-api.ts"

interface Return {
  returnId: string
  orderId: string
  state: string
  goods: string
  money: string
  books: string
  reason: string
  requestedAt: string
  due?: Money
  givenBack?: Money
}

interface OneReturn extends Return {
  buyer: { state: string; words: string }
  facts: { type: string; time: string; source: string }[]
}

const usage =
  "returns [<id>] [--order O] [--open] | returns ask <order> --reason R [--line L=N …] | returns approve|decline|cancel <id> [--reason R] | returns inspect <id> --place P --line L=N:DISPOSITION …"

const options = {
  order: { type: "string" },
  open: { type: "boolean", default: false },
  reason: { type: "string" },
  reference: { type: "string" },
  place: { type: "string" },
  line: { type: "string" },
  id: { type: "string" },
} as const

type Given = Parameters<Parameters<typeof withApi>[2]>[1]

/** `crossdock returns …`: lists returns, shows one with its three tracks, asks for one, and says what became of it. */
export function runReturns(args: string[]): Promise<number> {
  return withApi(args, options, async (api, given) => {
    const [first, id] = given.positionals
    if (first === undefined) return list(api, args, given)
    if (first === "ask") return ask(api, given)
    if (["approve", "decline", "cancel", "inspect"].includes(first)) return say(api, given)
    if (id !== undefined) throw new AppError("REQUEST_INVALID", `say which: ${usage}`)
    const one = await api.get<OneReturn>(`/v1/returns/${encodeURIComponent(first)}`)
    return { data: one, text: () => oneText(one) }
  })
}

async function list(api: Api, args: string[], { values }: Given) {
  const query = { ...pageOf(values), order: word(values["order"]), open: values["open"] === true ? "true" : undefined }
  const page = await api.get<Page<Return>>("/v1/returns", query)
  const shown = { command: ["returns", ...withoutCursor(args)], path: "/v1/returns", query, page }
  return { data: page, text: () => pageText(api, { ...shown, text: listText, none: "no return" }) }
}

async function ask(api: Api, { values, positionals }: Given) {
  const orderId = needed(positionals.slice(1), usage)
  const reason = wordOf(values, "reason")
  const line = word(values["line"])
  const body = {
    orderId,
    reference: word(values["reference"]) ?? `cli:${line ?? "all"}`,
    reason,
    ...(line === undefined ? {} : { lines: line.split(",").map(lineOf) }),
  }
  const answer = await api.post<{ returnId: string; isEligible: boolean; reasons: { text: string }[] }>(
    "/v1/returns",
    body,
  )
  const why = answer.reasons.map(({ text }) => `  ${text}`)
  return {
    data: answer,
    text: () =>
      [`${answer.returnId} ${answer.isEligible ? "may come back" : "is not allowed by the rules:"}`, ...why].join("\n"),
  }
}

async function say(api: Api, { values, positionals }: Given) {
  const [what = ""] = positionals
  const id = needed(positionals.slice(1), usage)
  const reason = word(values["reason"])
  const body =
    what === "inspect"
      ? {
          id: word(values["id"]) ?? wordOf(values, "line"),
          locationId: wordOf(values, "place"),
          lines: wordOf(values, "line").split(",").map(inspectedOf),
        }
      : reason === undefined
        ? {}
        : { reason }
  const answer = await api.post<{ returnId: string }>(`/v1/returns/${encodeURIComponent(id)}/${what}`, body)
  return { data: answer, text: () => `accepted: ${what} ${answer.returnId}` }
}

function wordOf(values: Given["values"], name: string): string {
  const value = word(values[name])
  if (value === undefined) throw new AppError("REQUEST_INVALID", `say --${name}: ${usage}`)
  return value
}

/** `9001=2`: two pieces of line 9001. */
function lineOf(text: string) {
  const [lineId = "", count = "1"] = text.split("=")
  return { lineId, quantity: { milli: Math.round(Number(count) * 1000), unit: "ea" } }
}

/** `9001=2:sell here`. */
function inspectedOf(text: string) {
  const [line = "", disposition = "sell here"] = text.split(":")
  return { ...lineOf(line), disposition }
}

const sums = ({ due, givenBack }: Return): string =>
  due && givenBack ? `${moneyText(givenBack)} of ${moneyText(due)}` : ""

function listText(items: readonly Return[]): string {
  const rows = items.map((one) => [one.returnId, one.orderId, one.state, one.goods, one.money, one.books, sums(one)])
  return table(["return", "order", "state", "goods", "money", "books", "given back"], rows)
}

function oneText(one: OneReturn): string {
  const facts = one.facts.map(({ time, type, source }) => [time, type, source])
  return [listText([one]), "", `the buyer reads: ${one.buyer.words}`, "", table(["when", "what", "who"], facts)].join(
    "\n",
  )
}
