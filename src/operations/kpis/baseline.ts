import { storage, inTransaction, type Sql } from "../../base/sql.ts"
import { isMoment } from "../../base/time.ts"
import { isCurrency } from "../../base/money.ts"
import { dimensions } from "./counters.ts"
import { kpis } from "./definitions/kpis.ts"

/** A figure of the time before Crossdock. */
export interface Baseline {
  figure: string
  /** Of which channel, store or region; both absent: of all. */
  dimension?: string
  of?: string
  from: string
  until: string
  /** In the unit of the figure; money in minor units, with its currency. */
  value: number
  currency?: string
  /** Where the figure is from. */
  note?: string
}

/** A row to import, with the line of the file that it stands in. */
export interface BaselineRow {
  line: number
  figure: string
  dimension: string
  of: string
  from: string
  until: string
  value: string
  currency: string
  note: string
}

export interface BaselineProblem {
  line: number
  message: string
}

/** Reads rows of an import; every problem of every row at once. */
export function readBaselines(rows: readonly BaselineRow[]): { baselines: Baseline[]; problems: BaselineProblem[] } {
  const problems: BaselineProblem[] = []
  const seen = new Map<string, number>()
  const baselines = rows.flatMap((row): Baseline[] => {
    const own = problemsOf(row)
    const key = JSON.stringify([row.figure, row.dimension, row.of, row.currency])
    const earlier = seen.get(key)
    if (earlier !== undefined) own.push(`is about the same as line ${earlier}`)
    else seen.set(key, row.line)
    problems.push(...own.map((message) => ({ line: row.line, message })))
    if (own.length > 0) return []
    const { figure, dimension, of, from, until, value, currency, note } = row
    return [
      {
        figure,
        from,
        until,
        value: Number(value),
        ...(dimension === "" ? {} : { dimension, of }),
        ...(currency === "" ? {} : { currency }),
        ...(note === "" ? {} : { note }),
      },
    ]
  })
  return { baselines, problems }
}

function problemsOf({ figure, dimension, of, from, until, value, currency }: BaselineRow): string[] {
  const kpi = kpis.find(({ name }) => name === figure)
  const problems: string[] = []
  if (!kpi) problems.push(`figure: there is no figure "${figure}"; \`crossdock kpis --definitions\` lists them`)
  if (dimension !== "" && !dimensions.some((one) => one === dimension && (!kpi || kpi.by.includes(one))))
    problems.push(`dimension: "${figure}" is not told apart by "${dimension}"`)
  if ((dimension === "") !== (of === ""))
    problems.push("of: a dimension and what it is of stand together, or neither does")
  if (!isDay(from)) problems.push(`from: "${from}" is no day, as YYYY-MM-DD`)
  if (!isDay(until)) problems.push(`until: "${until}" is no day, as YYYY-MM-DD`)
  if (isDay(from) && isDay(until) && until < from) problems.push("until: is before from")
  if (!isNumber(value))
    problems.push(`value: "${value}" is no number; write it as 1234.5, with a point and without separators`)
  else if (kpi?.unit === "share" && (Number(value) < 0 || Number(value) > 1))
    problems.push("value: a share is from 0 to 1, so 2.5 % is 0.025")
  else if (kpi?.unit === "money" && !Number.isSafeInteger(Number(value)))
    problems.push("value: money is a whole number of minor units, so 12.50 EUR is 1250")
  if (kpi?.unit === "money" && !isCurrency(currency)) problems.push(`currency: "${currency}" is no ISO 4217 code`)
  if (kpi && kpi.unit !== "money" && currency !== "") problems.push("currency: only money has one")
  return problems
}

const isNumber = (text: string) => /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text))
const isDay = (text: string) => /^\d{4}-\d{2}-\d{2}$/.test(text) && isMoment(`${text}T00:00:00Z`)

/** Stores figures of the time before; one of the same figure and group replaces what stands there. */
export async function storeBaselines(sql: Sql, baselines: readonly Baseline[], by: string): Promise<void> {
  await storage(() =>
    inTransaction(sql, async (transaction) => {
      await transaction`
        insert into figure_baselines as b (figure, dimension, of, from_day, until_day, value, currency, note, imported_by)
        select x.figure, coalesce(x.dimension, ''), coalesce(x.of, ''), x."from", x.until, x.value, coalesce(x.currency, ''),
          coalesce(x.note, ''), ${by}
        from json_to_recordset(${JSON.stringify(baselines)}::text::json) as x(figure text, dimension text, of text, "from" date,
          until date, value float8, currency text, note text)
        on conflict (figure, dimension, of, currency) do update set from_day = excluded.from_day, until_day = excluded.until_day,
          value = excluded.value, note = excluded.note, imported_by = excluded.imported_by, imported_at = now()`
    }),
  )
}

interface BaselineStored {
  figure: string
  dimension: string
  of: string
  from_day: string
  until_day: string
  value: number
  currency: string
  note: string
}

/** All figures of the time before. */
export async function listBaselines(sql: Sql): Promise<Baseline[]> {
  const rows = await storage(
    () => sql<BaselineStored[]>`
      select figure, dimension, of, from_day::text, until_day::text, value, currency, note from figure_baselines
      order by figure, dimension, of, currency limit 10000`,
  )
  return rows.map(({ figure, dimension, of, from_day: from, until_day: until, value, currency, note }) => ({
    figure,
    from,
    until,
    value,
    ...(dimension === "" ? {} : { dimension, of }),
    ...(currency === "" ? {} : { currency }),
    ...(note === "" ? {} : { note }),
  }))
}
