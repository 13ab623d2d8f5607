import { moneyToDecimal } from "../../base/money.ts"
import { durationText } from "../../base/time.ts"
import type { KpiAnswer } from "../kpis/answer.ts"
import type { Kpi, KpiValue } from "../kpis/definitions/kpi.ts"

/** One figure of a report, in words. */
export interface ReportLine {
  figure: string
  /** The figure of the week. */
  now: string
  /** That of the week before. */
  weekBefore: string
  /** That of the time before Crossdock, where it was imported. */
  baseline?: string
  target?: string
  /** Beside the week before; against the target where there is one. */
  verdict: "better" | "worse" | "about the same" | "target met" | "target missed" | "not enough data"
}

const nothing = "not enough data"
/** Less of a difference is chance. */
const aboutTheSame = 0.05

interface Answers {
  now: KpiAnswer
  last: KpiAnswer
  target: number | undefined
  isOver: boolean
}

/** A figure's line; none where a figure does not exist. */
export function lineOf(name: string, { now, last, target }: Answers): ReportLine[] {
  const figure = now.figures.find((one) => one.name === name)
  if (!figure) return []
  const { unit, better } = figure
  const [row] = figure.rows
  const before = last.figures.find((one) => one.name === name)?.rows[0]?.now ?? null
  const value = row?.now ?? null
  const baseline = row?.before?.map((one) => textOf({ ...one, unit })).join(" + ")
  return [
    {
      figure: name,
      now: valueText(value, unit),
      weekBefore: valueText(before, unit),
      ...(baseline === undefined || baseline === "" ? {} : { baseline }),
      ...(target === undefined ? {} : { target: textOf({ value: target, unit }) }),
      verdict: verdictOf({ value, before, target }, better),
    },
  ]
}

function verdictOf(
  { value, before, target }: { value: KpiValue | null; before: KpiValue | null; target: number | undefined },
  better: Kpi["better"],
): ReportLine["verdict"] {
  if (value === null || value.n === 0) return nothing
  const [now, then] = [sizeOf(value), before === null || before.n === 0 ? undefined : sizeOf(before)]
  if (now === undefined) return nothing
  if (target !== undefined)
    return (better === "higher" ? now >= target : now <= target) ? "target met" : "target missed"
  if (then === undefined || better === "neither") return nothing
  if (Math.abs(now - then) <= aboutTheSame * Math.max(Math.abs(now), Math.abs(then))) return "about the same"
  return now > then === (better === "higher") ? "better" : "worse"
}

/** Money of several currencies has no size: they are never added. */
function sizeOf({ value, amounts }: KpiValue): number | undefined {
  if (value !== undefined) return value
  return amounts?.length === 1 ? amounts[0]?.amountMinor : undefined
}

function valueText(value: KpiValue | null, unit: Kpi["unit"]): string {
  if (value === null || (value.n === 0 && unit !== "count" && unit !== "money")) return nothing
  if (unit === "money")
    return value.amounts?.map((money) => `${moneyToDecimal(money)} ${money.currency}`).join(" + ") || "none"
  const text = value.value === undefined ? nothing : textOf({ value: value.value, unit })
  return value.within90 === undefined
    ? text
    : `half within ${text}, nine of ten within ${durationText(value.within90 * 1000)}`
}

function textOf({ value, currency, unit }: { value: number; currency?: string; unit: Kpi["unit"] }): string {
  if (currency !== undefined) return `${moneyToDecimal({ amountMinor: value, currency })} ${currency}`
  if (unit === "share") return `${(value * 100).toFixed(1)} %`
  if (unit === "seconds") return durationText(value * 1000)
  return Number.isInteger(value) ? String(value) : value.toFixed(1)
}
