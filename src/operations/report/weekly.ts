import { AppError } from "../../base/errors.ts"
import { own } from "../../base/lookup.ts"
import { businessDate, dayAfter, instant, type BusinessDate, type Clock } from "../../base/time.ts"
import { storage, type Sql } from "../../base/sql.ts"
import type { KpiAnswer, KpisOf } from "../kpis/answer.ts"
import { lineOf, type ReportLine } from "./words.ts"

/** What leaders are told of a week, question by question. */
export interface WeeklyReport {
  /** The Monday it begins with, where the company's days are counted. */
  week: BusinessDate
  from: string
  until: string
  asOf: string
  /** Whether the week is over. */
  isOver: boolean
  sections: { question: string; lines: ReportLine[] }[]
  /** What left and is not in the books yet. */
  notPosted: KpiAnswer["notPosted"]
}

/** Questions that a store manager asks, and the figures that answer them. */
const questions: readonly { question: string; figures: readonly string[] }[] = [
  {
    question: "Are orders flowing?",
    figures: [
      "orders placed",
      "order value",
      "order completion rate",
      "order release time",
      "fulfilment latency",
      "order promise accuracy",
    ],
  },
  { question: "Is stock accurate?", figures: ["stock accuracy", "oversell incidents", "inventory latency"] },
  { question: "Are refunds and returns closed in time?", figures: ["refund cycle time", "return cycle time"] },
  { question: "Is the money in the books?", figures: ["sales posting latency", "unposted sales"] },
  { question: "What did people have to do?", figures: ["order fallout rate", "manual touch rate", "time to resolve"] },
]

export interface ReportOptions {
  sql: Sql
  clock: Clock
  timeZone: string
  read: (request: KpisOf) => Promise<KpiAnswer>
  /** What a figure should reach, in its unit. */
  targets: Readonly<Record<string, number>>
}

/** The Monday of the week of a moment. */
export function mondayOf(nowMs: number, timeZone: string): BusinessDate {
  const today = businessDate(instant(nowMs), { timeZone })
  // The first of January 1970 was a Thursday.
  const weekday = (Math.floor(Date.parse(`${today}T00:00:00Z`) / 86_400_000) + 3) % 7
  return dayAfter(today, -weekday)
}

/** The report of the week that begins with a Monday; of the week that is not over yet, up to now. */
export async function weeklyReport(
  options: ReportOptions,
  week: BusinessDate,
  channels?: readonly string[],
): Promise<WeeklyReport> {
  const { sql, clock, timeZone, targets } = options
  const nowMs = clock.now()
  if (mondayOf(Date.parse(`${week}T12:00:00Z`), "UTC") !== week || week > mondayOf(nowMs, timeZone)) {
    const message = `${week} is no Monday of a week that has begun`
    throw new AppError("REQUEST_INVALID", message, { problems: [{ pointer: "/week", message }] })
  }
  const [start, end, before] = await Promise.all(
    [week, dayAfter(week, 7), dayAfter(week, -7)].map((day) => midnight(sql, day, timeZone)),
  )
  if (start === undefined || end === undefined || before === undefined)
    throw new AppError("INVARIANT_BROKEN", `no midnight of ${week}`)
  const figures = questions.flatMap((one) => one.figures)
  const of = channels ? { figures, channels } : { figures }
  const isOver = end <= instant(nowMs)
  const [now, last] = await Promise.all([
    options.read({ since: start, until: isOver ? end : instant(nowMs + 1), ...of }),
    options.read({ since: before, until: start, ...of }),
  ])
  const sections = questions.map(({ question, figures: names }) => ({
    question,
    lines: names.flatMap((name) => lineOf(name, { now, last, target: own(targets, name), isOver })),
  }))
  return { week, from: start, until: end, asOf: now.asOf, isOver, sections, notPosted: now.notPosted }
}

async function midnight(sql: Sql, day: BusinessDate, timeZone: string): Promise<string | undefined> {
  const [row] = await storage(() => sql<{ at: Date }[]>`select ${day}::text::timestamp at time zone ${timeZone} as at`)
  return row?.at.toISOString()
}
