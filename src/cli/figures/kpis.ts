import { readFileSync } from "node:fs"
import { AppError } from "../../base/errors.ts"
import { moneyToDecimal } from "../../base/money.ts"
import { durationText } from "../../base/time.ts"
import type { Api } from "../api.ts"
import { table } from "../table.ts"
import { needed, withApi, word } from "../with-api.ts"
import { momentOf } from "./moment.ts"
import { baselineRows } from "./baseline-file.ts"

interface Value {
  value?: number
  amounts?: { amountMinor: number; currency: string }[]
  within90?: number
  n: number
}

interface Before {
  from: string
  until: string
  value: number
  currency?: string
}

interface Answer {
  asOf: string
  since: string
  until: string
  notPosted: { currency: string; shippedMinor: number; notPostedMinor: number; share: number }[]
  figures: {
    name: string
    unit: string
    better: string
    rows: { of?: string; from?: string; now: Value | null; before?: Before[] }[]
  }[]
  unknown: { name: string; why: string }[]
}

interface Definitions {
  items: { name: string; means: string; unit: string; better: string; by: string[]; source: string }[]
  unknown: { name: string; why: string }[]
}

interface Imported {
  problems: { line: number; message: string }[]
  stored: number
}

/** `crossdock kpis`: the figures of a time; their definitions; the time before, imported from a file; counting again. */
export function runKpis(args: string[]): Promise<number> {
  const options = {
    by: { type: "string" },
    step: { type: "string" },
    since: { type: "string" },
    until: { type: "string" },
    figure: { type: "string" },
    definitions: { type: "boolean", default: false },
    "dry-run": { type: "boolean", default: false },
  } as const
  return withApi(args, options, async (api, { values, positionals }) => {
    const [act, ...rest] = positionals
    if (act === "import") return importFile(api, needed(rest, "the file to import"), values["dry-run"] === true)
    if (act === "rebuild") {
      const data = await api.post<object>("/v1/kpis/rebuild", {})
      return { data, text: () => "the log is counted again from its beginning; `crossdock kpis` says up to when it is" }
    }
    if (act !== undefined) throw new AppError("REQUEST_INVALID", `there is no \`kpis ${act}\`: import or rebuild`)
    if (values["definitions"] === true) {
      const data = await api.get<Definitions>("/v1/kpis/definitions")
      return { data, text: () => definitionsText(data) }
    }
    const data = await api.get<Answer>("/v1/kpis/figures", {
      by: word(values["by"]),
      step: word(values["step"]),
      since: momentOf(word(values["since"])),
      until: momentOf(word(values["until"])),
      figure: word(values["figure"]),
    })
    return { data, text: () => answerText(data) }
  })
}

async function importFile(api: Api, file: string, dryRun: boolean) {
  const rows = baselineRows(readFileSync(file, "utf8"), file)
  // Always tried first: the answer to a trial names every line that is wrong.
  const trial = await api.post<Imported>("/v1/kpis/baseline", { rows, dryRun: true })
  if (trial.problems.length > 0) {
    const lines = trial.problems.map(({ line, message }) => `  line ${line}: ${message}`)
    throw new AppError("REQUEST_INVALID", [`nothing was imported from ${file}:`, ...lines].join("\n"))
  }
  const data = dryRun ? trial : await api.post<Imported>("/v1/kpis/baseline", { rows })
  const text = dryRun
    ? `${data.stored} figures are well; nothing was stored`
    : `${data.stored} figures of the time before are stored`
  return { data, text: () => text }
}

function answerText({ asOf, since, until, notPosted, figures, unknown }: Answer): string {
  const rows = figures.flatMap(({ name, unit, rows: own }) =>
    own.map(({ of, from, now, before }) => [
      name,
      of === undefined ? "" : of === "" ? "(none)" : of,
      from?.slice(0, 16) ?? "",
      now ? valueText(now, unit) : "not enough data",
      (before ?? []).map((one) => beforeText(one, unit)).join(", "),
      now === null ? "" : String(now.n),
    ]),
  )
  const unposted = notPosted.map(
    ({ currency, notPostedMinor, share }) =>
      `${moneyToDecimal({ amountMinor: notPostedMinor, currency })} ${currency} (${percent(share)} of what left)`,
  )
  return [
    `${since.slice(0, 16)}Z to ${until.slice(0, 16)}Z, as of ${asOf.slice(0, 19)}Z; not posted yet: ${unposted.join(", ") || "nothing"}`,
    table(["figure", "of", "from", "now", "before", "made from"], rows),
    `${unknown.length} more are not counted: crossdock kpis --definitions`,
  ].join("\n")
}

function valueText({ value, amounts = [], within90 }: Value, unit: string): string {
  if (unit === "money")
    return amounts.map((money) => `${moneyToDecimal(money)} ${money.currency}`).join(" + ") || "none"
  if (value === undefined) return ""
  const more = within90 === undefined ? "" : `, nine of ten within ${numberText(within90, unit)}`
  return numberText(value, unit) + more
}

function beforeText({ value, currency, from, until }: Before, unit: string): string {
  const text =
    currency === undefined ? numberText(value, unit) : `${moneyToDecimal({ amountMinor: value, currency })} ${currency}`
  return `${text} (${from} to ${until})`
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`

function numberText(value: number, unit: string): string {
  if (unit === "share") return percent(value)
  if (unit === "seconds") return durationText(value * 1000)
  return Number.isInteger(value) ? String(value) : value.toFixed(1)
}

function definitionsText({ items, unknown }: Definitions): string {
  const known = items.map(
    ({ name, means, unit, better, by, source }) =>
      `${name}  [${unit}, ${better === "neither" ? "neither way is better" : `${better} is better`}; by ${by.join(", ") || "nothing"}; from ${source}]\n  ${means}`,
  )
  return [...known, "", "not counted:", ...unknown.map(({ name, why }) => `${name}\n  ${why}`)].join("\n")
}
