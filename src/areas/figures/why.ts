import { errorCatalogue } from "../../base/errors.ts"
import { own } from "../../base/lookup.ts"
import { epochMs } from "../../base/time.ts"
import type { ReaderView } from "../../eventlog/readers/readers.ts"
import { readBusinessStates } from "../../operations/kpis/business-states.ts"
import { unreleased } from "../../operations/kpis/definitions/orders.ts"
import { readSameHours, type SameHours, type SameHoursOf } from "../../operations/why/same-hours.ts"
import { casesOpened, outagesTold, type OpenedCases, type OutageTold } from "../../operations/why/signals.ts"
import type { CasesOfOneCause, ChannelFlow, Evidence, Trouble } from "../../rules/why/evidence.ts"
import { compareFlow, type Compared } from "../../rules/why/flow.ts"
import { rankCauses, type Why } from "../../rules/why/rank.ts"
import type { AreaParts } from "../define-area.ts"

/** Earlier weeks that are looked at. */
const weeks = 8
const lateSeconds = 600

type WhyParts = Pick<AreaParts, "sql" | "clock" | "estate" | "connections" | "readers">

interface WhyAnswer extends Why {
  from: string
  to: string
  weeks: number
  /** Orders placed hour by hour, beside what is usual. */
  hours: (Compared & { hour: string })[]
  /** Money of the orders placed, now and in the middle one of the earlier weeks. */
  money: { channel: string; currency: string; now: number; earlier: readonly number[] }[]
}

/** Gathers what is known of a time, and ranks what speaks for each cause. */
export async function whyIsRevenueDown(parts: WhyParts, asked: Omit<SameHoursOf, "weeks">): Promise<WhyAnswer> {
  const { evidence, hours } = await gather(parts, { ...asked, weeks })
  const money = evidence.flows.flatMap(({ channel, money: own }) => own.map((one) => ({ channel, ...one })))
  const { from, to } = asked
  return { from, to, weeks: evidence.flows[0]?.placed.earlier.length ?? 0, ...rankCauses(evidence), hours, money }
}

/** The counters that are read. */
export const whyFigures = [
  "orders placed",
  "order value",
  "leaving time",
  "exceptions opened",
  "deliveries",
  "hearing time",
]

async function gather(parts: WhyParts, asked: SameHoursOf): Promise<{ evidence: Evidence; hours: WhyAnswer["hours"] }> {
  const { sql, estate, readers } = parts
  const { from, to, channels } = asked
  const window = { from, to, channels }
  const [hours, cases, told, states, all] = await Promise.all([
    readSameHours(sql, whyFigures, asked),
    casesOpened(sql, window),
    outagesTold(sql, window),
    readBusinessStates(sql, { kind: "order", channels, since: to }),
    readers.list(),
  ])
  const flows = hours.channelsOf("orders placed").map((channel) => flowOf(hours, channel))
  const isShown = (connection: string) => channels === undefined || channels.includes(connection)
  const inState = (...wanted: readonly string[]) =>
    states.reduce((sum, { state, count }) => (wanted.includes(state) ? sum + count : sum), 0)
  const evidence = {
    flows,
    warehouses: estate.routes
      .filter(({ capability }) => [capability].flat().includes("releasesFulfilment"))
      .map(({ connection }) => connection),
    troubles: [...told.flatMap((one) => troubleTold(one, asked)), ...troublesNow(parts, all, asked)].filter(
      ({ connection }) => isShown(connection),
    ),
    cases: cases.map(caseOf),
    usualCases: { data: usual(hours, "data"), flow: usual(hours, "flow") },
    unread: hours
      .labelsOf("deliveries")
      .filter((label) => label.endsWith("|parked"))
      .map((label) => ({
        connection: label.slice(0, label.indexOf("|")),
        deliveries: hours.flow("deliveries", (row) => row.label === label),
      })),
    heardLate: flows.map(({ channel }) => ({
      channel,
      orders: hours.flow("hearing time", (row) => row.channel === channel && !(Number(row.label) <= lateSeconds)),
    })),
    waiting: { released: inState("released", "partly shipped"), before: inState(...unreleased) },
  }
  const byHour = hours.byHour("orders placed").map(({ hour, ...flow }) => ({ hour, ...compareFlow(flow) }))
  return { evidence, hours: byHour }
}

function flowOf(hours: SameHours, channel: string): ChannelFlow {
  const isOf = (row: { channel: string }) => row.channel === channel
  return {
    channel,
    placed: hours.flow("orders placed", isOf),
    left: hours.flow("leaving time", isOf),
    money: hours.labelsOf("order value").flatMap((currency) => {
      const flow = hours.flow("order value", (row) => isOf(row) && row.label === currency)
      return flow.now === 0 && flow.earlier.every((value) => value === 0) ? [] : [{ currency, ...flow }]
    }),
  }
}

const usual = (hours: SameHours, kind: "data" | "flow") =>
  hours.flow("exceptions opened", ({ label }) => label === kind)

function caseOf(row: OpenedCases): CasesOfOneCause {
  const named = {
    operation: row.operation,
    code: row.code,
    connection: row.connection,
    field: row.field,
    value: row.value,
    channel: row.channel,
  }
  const given = Object.fromEntries(
    Object.entries(named).filter(([, value]) => value !== null),
  ) as Partial<CasesOfOneCause>
  const kind = row.kind === "flow" ? "flow" : "data"
  return {
    group: row.group_id,
    about: row.about,
    kind,
    cause: row.cause,
    cases: row.cases,
    orders: row.orders,
    ...given,
  }
}

/** Share of the time asked about. */
function shareOf(startMs: number, endMs: number, { from, to }: SameHoursOf): number {
  const [fromMs, toMs] = [epochMs(from), epochMs(to)]
  return Math.max(0, Math.min(endMs, toMs) - Math.max(startMs, fromMs)) / Math.max(1, toMs - fromMs)
}

function troubleTold(one: OutageTold, asked: SameHoursOf): Trouble[] {
  const what = one.cause === "signatures are refused" ? "refuses us" : whatOf(one.code, one.operation)
  const share = shareOf(one.opened_at.getTime(), one.decided_at?.getTime() ?? Number.POSITIVE_INFINITY, asked)
  const says = `${one.connection}: ${one.cause} since ${one.opened_at.toISOString().slice(0, 16)}Z`
  return share > 0 ? [{ connection: one.connection, what, share, says, isOver: one.decided_at !== null }] : []
}

/** An error says whether the system is away or refuses us; a reader that stands still without one is our own trouble. */
function whatOf(code: string | null, operation: string | null): Trouble["what"] {
  if (code === null) return operation === null ? "away" : "not read"
  if (code === "VENDOR_KEY_REFUSED") return "refuses us"
  const kind = own(errorCatalogue, code)?.kind
  return kind === "unavailable" || kind === "uncertain" ? "away" : "not read"
}

/** What is in trouble at this moment: it is told as an exception only after a while. */
function troublesNow({ connections, clock }: WhyParts, readers: readonly ReaderView[], asked: SameHoursOf): Trouble[] {
  const nowMs = clock.now()
  if (epochMs(asked.to) < nowMs - 3_600_000) return []
  const ofReaders = readers.flatMap((reader): Trouble[] => {
    const { connection, state, name } = reader
    if (connection === undefined || state === "ok" || state === "excused") return []
    const what = whatOf(reader.errorCode ?? null, name)
    const says = `${connection}: ${name} ${reader.lastError === undefined ? "stands still" : `fails: ${reader.lastError}`}`
    return [{ connection, what, share: shareOf(nowMs - reader.ageMs, nowMs, asked), says, isOver: false }]
  })
  const known = new Set(ofReaders.map(({ connection }) => connection))
  const ofGates = connections.all.flatMap(({ id, gate }): Trouble[] => {
    const { isPaused, pausedBy, breaker } = gate.state
    if (isPaused)
      return [
        {
          connection: id,
          what: "not read",
          share: 1,
          says: `${id} is paused by ${pausedBy ?? "a person"}`,
          isOver: false,
        },
      ]
    // What a reader says of it is more exact.
    if (breaker !== "open" || known.has(id)) return []
    return [{ connection: id, what: "away", share: 0.1, says: `${id} does not answer now`, isOver: false }]
  })
  return [...ofReaders, ...ofGates]
}
