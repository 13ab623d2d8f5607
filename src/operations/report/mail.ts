import { storage, type Sql } from "../../base/sql.ts"
import { businessDate, dayAfter, instant, repeated, type Clock, type Repeated } from "../../base/time.ts"
import type { Reader } from "../../eventlog/readers/readers.ts"
import type { MailsStaff } from "../../ports/capabilities/service.ts"
import { mondayOf, type WeeklyReport } from "./weekly.ts"

interface Options {
  sql: Sql
  clock: Clock
  timeZone: string
  reader: Reader
  to: readonly string[]
  /** Hour of Monday at which it may leave, where the company's days are counted. */
  hour: number
  mails: () => MailsStaff
  report: (week: string) => Promise<WeeklyReport>
}

const lookEveryMs = 60_000
const sendMs = 15_000

/**
 * Mails the report of a week that is over to each of the receivers, once its hour has come. What was sent is kept, so that one of several
 * workers sends it; a mail whose fate is not known is sent again under the same name.
 */
export function mailWeeklyReports(options: Options): Repeated {
  return repeated((signal) => options.reader.pass(() => sendDue(options, signal)), { everyMs: lookEveryMs })
}

/** Sends what is due. */
async function sendDue(options: Options, signal: AbortSignal): Promise<void> {
  const { sql, clock, timeZone, hour, to } = options
  const nowMs = clock.now()
  const monday = mondayOf(nowMs, timeZone)
  const week = dayAfter(monday, -7)
  // The business day ends at the hour: before it, this is still the day before.
  const dayEndsAt = `${String(hour).padStart(2, "0")}:00`
  const hasCome = hour <= 12 ? businessDate(instant(nowMs), { timeZone, dayEndsAt }) >= monday : true
  if (!hasCome) return
  for (const address of to) {
    if (!(await claim(sql, { week, address }))) continue
    const report = await options.report(week)
    const mail = {
      to: address,
      subject: `Week of ${week}: orders, stock, refunds, books`,
      text: reportText(report),
      key: `weekly-${week}-${address}`,
    }
    await options.mails().mail(mail, AbortSignal.any([signal, AbortSignal.timeout(sendMs)]))
    await storage(() => sql`update weekly_reports set sent_at = now() where week = ${week} and address = ${address}`)
  }
}

/** Takes a mail for five minutes: longer than sending it takes. */
async function claim(sql: Sql, { week, address }: { week: string; address: string }): Promise<boolean> {
  const rows = await storage(
    () => sql`
      insert into weekly_reports as r (week, address, claimed_at) values (${week}, ${address}, now())
      on conflict (week, address) do update set claimed_at = now()
        where r.sent_at is null and r.claimed_at < now() - interval '5 minutes'
      returning week`,
  )
  return rows.length > 0
}

/** A report as the text of a mail. */
function reportText({ week, asOf, isOver, sections, notPosted }: WeeklyReport): string {
  const posted = notPosted.map(
    ({ currency, share }) => `Of what left in ${currency}, ${(share * 100).toFixed(1)} % is not in the books yet.`,
  )
  const lines = sections.flatMap(({ question, lines: own }) => [
    "",
    question,
    ...own.map(({ figure, now, weekBefore, baseline, target, verdict }) => {
      const more = [
        `week before: ${weekBefore}`,
        baseline && `before Crossdock: ${baseline}`,
        target && `target: ${target}`,
      ]
      return `  ${figure}: ${now} – ${verdict} (${more.filter((one) => one !== undefined).join("; ")})`
    }),
  ])
  return [
    `The week from ${week}${isOver ? "" : ", which is not over yet"}. As of ${asOf.slice(0, 16)}Z.`,
    ...posted,
    ...lines,
    "",
  ].join("\n")
}
