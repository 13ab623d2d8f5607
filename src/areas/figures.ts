import { AppError } from "../base/errors.ts"
import { dayAfter, epochMs, instant } from "../base/time.ts"
import type { NewEvent } from "../canonical/events.ts"
import type { EstateFrame } from "../estate/frame.ts"
import { figureRoutes, type FigureViews } from "../gateway/routes/figures/figures.ts"
import { whyRoutes, type AsksWhy } from "../gateway/routes/figures/why.ts"
import { lastDay, readKpis } from "../operations/kpis/answer.ts"
import { listBaselines, readBaselines, storeBaselines } from "../operations/kpis/baseline.ts"
import { readBacklogAges, readBusinessStates } from "../operations/kpis/business-states.ts"
import { kpis, unknownKpis } from "../operations/kpis/definitions/kpis.ts"
import { countedUntil, figuresSubscriber, rebuildFigures } from "../operations/kpis/figures-reader.ts"
import { countKept } from "../operations/promises/accuracy.ts"
import { FigurePolicyBlock } from "../operations/report/policies.ts"
import { mailWeeklyReports } from "../operations/report/mail.ts"
import { mondayOf, weeklyReport, type ReportOptions } from "../operations/report/weekly.ts"
import { readStockCounts } from "../stock/counts.ts"
import { defineArea, type AreaParts, type Service } from "./define-area.ts"
import { whyIsRevenueDown } from "./figures/why.ts"
import { promiseReads, promisesOf } from "./promises/promises.ts"

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** The figures of a running Crossdock. */
function figureOptions(parts: AreaParts) {
  const { sql, clock, estate } = parts
  const { promises } = promisesOf(parts)
  const reads = promiseReads(parts)
  return {
    sql,
    clock,
    timeZone: companyTimeZone(estate),
    regionOf: regionsOf(estate),
    stockCounts: (since: string, until: string) => readStockCounts(sql, { since, until }),
    promiseCounts: (asked: Parameters<typeof countKept>[2]) => countKept(reads, promises, asked),
  }
}

/** Regions of the estate's places; '' of a place without one. */
function regionsOf({ locations }: EstateFrame): (place: string) => string {
  const regions = new Map(locations.map(({ id, region }) => [id, region ?? ""]))
  return (place) => regions.get(place) ?? ""
}

/** Where the company's days are counted. */
function companyTimeZone(estate: EstateFrame): string {
  const { policies } = estate as { policies?: { orders?: { timeZone?: string } } }
  return policies?.orders?.timeZone ?? "UTC"
}

function viewsOf(parts: AreaParts, policies: FigurePolicyBlock | undefined): FigureViews {
  const { sql, clock } = parts
  const options = figureOptions(parts)
  return {
    async states({ kind, channels }) {
      const since = instant(clock.now() - dayMs)
      const [items, ages, asOf] = await Promise.all([
        readBusinessStates(sql, { kind, channels, since }),
        readBacklogAges(sql, { kind: kind ?? "order", channels }),
        countedUntil(sql, clock.now()),
      ])
      return { asOf, items, ages }
    },
    kpis: (asked) => readKpis(options, { ...lastDay(clock), ...given(asked) }),
    definitions: () => ({
      items: kpis.map(({ name, means, unit, better, by, source }) => ({ name, means, unit, better, by, source })),
      unknown: unknownKpis,
    }),
    baselines: () => listBaselines(sql),
    report({ week, channels }) {
      const last = dayAfter(mondayOf(clock.now(), options.timeZone), -7)
      return weeklyReport(reportOptions(parts, policies), week ?? last, channels)
    },
    async importBaselines({ rows, dryRun = false }, by) {
      const { baselines, problems } = readBaselines(rows)
      if (problems.length === 0 && !dryRun) await storeBaselines(sql, baselines, by)
      return { problems, stored: problems.length === 0 ? baselines.length : 0 }
    },
    rebuild: () => rebuildFigures(sql),
  }
}

function reportOptions(parts: AreaParts, policies: FigurePolicyBlock | undefined): ReportOptions {
  const options = figureOptions(parts)
  const { sql, clock, timeZone } = options
  return { sql, clock, timeZone, targets: policies?.targets ?? {}, read: (request) => readKpis(options, request) }
}

/** Mails the weekly report where the estate says to whom. */
function mailing(parts: AreaParts, policies: FigurePolicyBlock | undefined): Service[] {
  const { weeklyReport: wanted } = policies ?? {}
  if (!wanted) return []
  const { sql, clock, connections, readers } = parts
  const options = reportOptions(parts, policies)
  const reader = readers.add({
    name: "weekly report",
    what: "The mail with the weekly report",
    meanwhile: "leaders are not told how the week was; the console has the report",
    everyMs: 60_000,
  })
  const mails = () => {
    const { mailsStaff } = connections.get(wanted.connection).connected
    if (!mailsStaff) throw new AppError("CONFIG_INVALID", `connection "${wanted.connection}" sends no mail`)
    return mailsStaff
  }
  const { to, hour = 6 } = wanted
  const report = (week: string) => weeklyReport(options, week)
  return [mailWeeklyReports({ sql, clock, timeZone: options.timeZone, reader, to, hour, mails, report })]
}

/** The last three hours, or those that end or begin where it was asked. */
function whyOf(parts: AreaParts): AsksWhy {
  const timeZone = companyTimeZone(parts.estate)
  return ({ from, to, channels }) => {
    const end = to ?? instant(Math.min(parts.clock.now(), from === undefined ? Infinity : epochMs(from) + 7 * dayMs))
    const start = from ?? instant(epochMs(end) - 3 * hourMs)
    checkSpan(start, end)
    return whyIsRevenueDown(parts, { from: start, to: end, timeZone, ...(channels ? { channels } : {}) })
  }
}

function checkSpan(from: string, to: string): void {
  const lengthMs = epochMs(to) - epochMs(from)
  if (lengthMs > 0 && lengthMs <= 7 * dayMs) return
  const message = "from comes before to and before now, at most seven days"
  throw new AppError("REQUEST_INVALID", message, { problems: [{ pointer: "/from", message }] })
}

/** Without what was not given. */
function given<Asked extends object>(asked: Asked): Asked {
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined)) as Asked
}

/** What events of the log add up to: figures, and objects by state. */
export const figures = defineArea({
  name: "figures",
  policies: { schema: FigurePolicyBlock, whenLeftOut: "defaults" },
  routes: (parts, policies: FigurePolicyBlock | undefined) => [
    ...figureRoutes(viewsOf(parts, policies)),
    ...whyRoutes(whyOf(parts)),
  ],
  services: mailing,
  subscribers: ({ areas, log }) => [
    figuresSubscriber(
      {
        finalStates: Object.assign({}, ...areas.map((area) => area.finalStates)) as Record<string, readonly string[]>,
        counts: (event) => areas.flatMap((area) => area.figures?.(event as NewEvent) ?? []),
      },
      log,
    ),
  ],
})
