import { AppError } from "../../base/errors.ts"
import { moneyText, type Money } from "../../base/money.ts"
import { instant, systemClock } from "../../base/time.ts"
import { table } from "../table.ts"
import { needed, withApi, word, type Page } from "../with-api.ts"
import { exportFile, importFile } from "./files.ts"

interface Price {
  record: string
  source: string
  type: string
  amount: Money
  taxBasis: string
  scope: Record<string, string | number>
  validity: { from?: string; until?: string }
}
interface Answer {
  price?: Price
  why: string
  changesAt?: string
  considered: { record: string; source: string; type: string; outcome: string }[]
  lowestBefore?: { amount: Money; from: string; until: string; isWholeWindow: boolean }
}
interface Fact {
  time: string
  by: string
  event: string
  record?: string
  rule?: string
  policy?: string
  price?: Price
  amount?: Money
}

const dayMs = 86_400_000

/** `crossdock prices …`: which price holds and why, and files of prices. */
export function runPrices(args: string[]): Promise<number> {
  const text = { type: "string" } as const
  const options = {
    currency: text,
    market: text,
    channel: text,
    location: text,
    group: text,
    at: text,
    days: text,
    "dry-run": { type: "boolean", default: false },
  } as const
  return withApi(args, options, async (api, { values, positionals }) => {
    const [act, ...rest] = positionals
    if (act === "import")
      return importFile(api, "prices", { file: needed(rest, "the file to import"), dryRun: values["dry-run"] === true })
    if (act === "export") return exportFile(api, "prices", needed(rest, "the file to write"))
    if (act === "lineage") {
      const { items } = await api.get<Page<Fact>>(`/v1/prices/${encodeURIComponent(needed(rest, "a SKU"))}/lineage`)
      return {
        data: { items },
        text: () => table(["at", "by", "record", "what", "rule", "rules' version"], items.map(factRow)),
      }
    }
    if (act === "calendar") {
      const now = systemClock.now()
      const until = instant(now + Number(word(values["days"]) ?? 30) * dayMs)
      const { items } = await api.get<Page<{ at: string; edge: string; sku: string; price: Price }>>(
        "/v1/price-calendar",
        { from: instant(now), until },
      )
      const row = ({ at, edge, sku, price }: (typeof items)[number]) => [
        at,
        sku,
        edge,
        price.type,
        moneyText(price.amount),
        scopeWords(price),
      ]
      return {
        data: { items },
        text: () =>
          items.length > 0
            ? table(["at", "SKU", "", "type", "amount", "where"], items.map(row))
            : "no price begins or ends",
      }
    }
    if (act === undefined)
      throw new AppError("REQUEST_INVALID", "say which: crossdock prices <SKU>, import, export, lineage or calendar")
    const place = Object.fromEntries(
      ["market", "channel", "location", "group", "at"].flatMap((key) =>
        word(values[key]) === undefined ? [] : [[key, word(values[key])]],
      ),
    )
    const question = { sku: act, currency: word(values["currency"]) ?? "EUR", ...place }
    const { items } = await api.post<Page<Answer>>("/v1/prices/query", { items: [question] })
    const [answer] = items
    return { data: answer, text: () => (answer ? answerText(answer) : "") }
  })
}

const scopeWords = ({ scope }: Price) =>
  Object.entries(scope)
    .map(([key, value]) => `${key} ${value}`)
    .join(", ")

function answerText({ price, why, changesAt, considered, lowestBefore }: Answer): string {
  const claim =
    lowestBefore &&
    `lowest price shown before: ${moneyText(lowestBefore.amount)}, from ${lowestBefore.from}${lowestBefore.isWholeWindow ? "" : "; it was not shown that long"}`
  return [
    price ? `${moneyText(price.amount)}, tax ${price.taxBasis}` : "no price",
    why,
    ...(changesAt === undefined ? [] : [`right until ${changesAt}`]),
    ...(claim === undefined ? [] : [claim]),
    ...(considered.length > 0
      ? [
          table(
            ["record", "source", "type", ""],
            considered.map(({ record, source, type, outcome }) => [record, source, type, outcome]),
          ),
        ]
      : []),
  ].join("\n")
}

function factRow({ time, by, event, record = "", rule = "", policy = "", price, amount }: Fact): string[] {
  const shown = amount === undefined ? "" : `shown: ${moneyText(amount)}`
  const what = price
    ? `${price.type} ${moneyText(price.amount)} ${scopeWords(price)}`
    : event === "price.shown"
      ? shown
      : "ended"
  return [time, by ?? "", record, what, rule, policy]
}
