import type { WeeklyReport } from "../../api/figure-answers.ts"
import { apiPath } from "../../api/client.ts"
import { useApi } from "../../api/use-api.ts"
import type { Role } from "../../format/roles.ts"
import { List, type Column } from "../../list/list.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Page, Section } from "../../parts/page.tsx"
import { State } from "../../parts/values.tsx"
import { useFilters } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.figures

type Line = WeeklyReport["sections"][number]["lines"][number]

const roles: readonly (readonly [string, Role])[] = [
  ["better", "done"],
  ["target met", "done"],
  ["about the same", "moving"],
  ["worse", "risk"],
  ["target missed", "risk"],
]
const roleOf = (verdict: string): Role => roles.find(([word]) => word === verdict)?.[1] ?? "waiting"

const columns: readonly Column<Line>[] = [
  { head: t.figure, cell: ({ figure }) => figure, onCard: "title" },
  { head: t.thisWeek, cell: ({ now }) => <span className="wraps">{now}</span> },
  { head: t.weekBefore, cell: ({ weekBefore }) => <span className="wraps">{weekBefore}</span> },
  { head: t.before, cell: ({ baseline = "–" }) => baseline },
  { head: t.target, cell: ({ target = "–" }) => target },
  {
    head: t.verdict,
    cell: ({ verdict }) => <State shown={{ role: roleOf(verdict), word: verdict }} />,
    isWide: true,
    onCard: "aside",
  },
]

const dayAfter = (day: string, days: number) =>
  new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10)

/** A week for leaders, to read and to print. */
export function ReportScreen() {
  const { week } = useFilters()
  const reading = useApi<WeeklyReport>(apiPath("/v1/reports/weekly", { week }))
  const acts = (
    <button type="button" className="button" onClick={() => print()}>
      {t.print}
    </button>
  )
  return (
    <Page title={t.weekly} reading={reading} acts={acts}>
      <Loaded reading={reading} lines={14}>
        {(report) => (
          <>
            <p>
              {t.week(report.week)}. {!report.isOver && t.notOver}{" "}
              {report.notPosted.map(({ currency, share }) => (
                <span key={currency}>{t.notPosted((share * 100).toFixed(1), currency)} </span>
              ))}
            </p>
            <p className="report-weeks">
              <Link to={paths.report({ week: dayAfter(report.week, -7) })}>{t.earlier}</Link>{" "}
              {report.isOver && <Link to={paths.report({ week: dayAfter(report.week, 7) })}>{t.later}</Link>}
            </p>
            {report.sections.map(({ question, lines }) => (
              <Section key={question} title={question}>
                <List name={question} rows={lines} columns={columns} keyOf={({ figure }) => figure} />
              </Section>
            ))}
          </>
        )}
      </Loaded>
    </Page>
  )
}
