import type { CasesOfOneCause, Evidence, Look, Suspect, Trouble } from "./evidence.ts"
import { compareFlow, median, type Compared } from "./flow.ts"

/** The answer to "why is revenue down?". */
export interface Why {
  /** "not enough data": nothing can be said of what is usual; what is wrong is listed all the same. */
  verdict: "down" | "as usual" | "not enough data"
  channels: { channel: string; placed: Compared; left: Compared }[]
  /** Orders that did not come, and orders that came and did not leave. */
  missing: number
  stuck: number
  /** The first one explains most. */
  suspects: Suspect[]
}

/** A cause that explains fewer than these, or less of the whole than this share, is left out. */
const ordersMin = 2
const shareMin = 0.05

interface Judged {
  evidence: Evidence
  channels: Why["channels"]
  missing: number
  stuck: number
}

/**
 * Ranks causes by how much of the shortfall each explains. Orders may be missing where they are placed (nobody buys, the shop is away, we
 * do not hear them) or stuck on their way (a warehouse, wrong data, a step of ours). Demand is what is left when no signal explains it: it
 * leaves no trace of its own, because nobody tells how many people looked at a shop.
 */
export function rankCauses(evidence: Evidence): Why {
  const channels = evidence.flows.map(({ channel, placed, left }) => ({
    channel,
    placed: compareFlow(placed),
    left: compareFlow(left),
  }))
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
  const missing = sum(channels.map(({ placed }) => placed.missing))
  // What was never placed cannot leave.
  const stuck = Math.max(0, sum(channels.map(({ left }) => left.missing)) - missing)
  const judged = { evidence, channels, missing, stuck }
  const troubles = [platformOutage(judged), syncFailure(judged)]
  const stops = [badData(judged), workflowFlaw(judged), warehouseDelay(judged)]
  const all = [...troubles, ...stops, demand(judged, [...troubles, ...stops])]
  const whole = Math.max(missing + stuck, ...all.map(({ orders }) => orders), 1)
  const verdict = verdictOf(judged)
  const isSaid = ({ cause, orders, share, evidence: says }: Suspect) =>
    (orders >= ordersMin && share >= shareMin) ||
    (verdict === "not enough data" && cause !== "demand" && says.length > 0)
  const suspects = all
    .map((one) => ({ ...one, share: Math.min(1, one.orders / whole) }))
    .filter(isSaid)
    .toSorted((one, other) => other.orders - one.orders)
  return { verdict, channels, missing: Math.round(missing), stuck: Math.round(stuck), suspects }
}

function verdictOf({ channels, missing, stuck }: Judged): Why["verdict"] {
  const isKnown = channels.some(({ placed }) => placed.is !== "not enough data")
  if (!isKnown) return "not enough data"
  return missing + stuck > 0 ? "down" : "as usual"
}

type Explains = Omit<Suspect, "share">

/** The shop, or another system that orders need, does not answer. */
function platformOutage({ evidence, channels, stuck }: Judged): Explains {
  const away = evidence.troubles.filter(
    ({ what, connection }) => what === "away" && !evidence.warehouses.includes(connection),
  )
  const orders = byConnection(away).map((own) => {
    const flow = channels.find(({ channel }) => channel === own.connection)
    return flow ? missingOver(flow.placed, own.share) : stuckOver(evidence, stuck, own.share)
  })
  return { cause: "platform outage", orders: total(orders), evidence: saidOf(away), look: looksAt(away) }
}

/** The shop is there, and we do not read what it says. */
function syncFailure({ evidence, channels, stuck }: Judged): Explains {
  const isAway = (connection: string) =>
    evidence.troubles.some((one) => one.connection === connection && one.what === "away")
  const isShip = (connection: string) => evidence.warehouses.includes(connection)
  const deaf = evidence.troubles.filter(
    ({ what, connection }) => what !== "away" && !isAway(connection) && !isShip(connection),
  )
  const orders = byConnection(deaf).map((own) => {
    const flow = channels.find(({ channel }) => channel === own.connection)
    return flow ? missingOver(flow.placed, own.share) : stuckOver(evidence, stuck, own.share)
  })
  const late = evidence.heardLate
    .filter(({ channel }) => !isAway(channel))
    .map(({ channel, orders: flow }) => ({ channel, more: Math.max(0, flow.now - median(flow.earlier)) }))
    .filter(({ more }) => more >= ordersMin)
  return {
    cause: "sync failure",
    orders: total([...orders, ...late.map(({ more }) => more)]),
    evidence: [
      ...saidOf(deaf),
      ...late.map(
        ({ channel, more }) =>
          `${whole(more)} orders of ${channel} were heard more than ten minutes after they were placed`,
      ),
    ],
    look: [...looksAt(deaf), ...late.map(({ channel }): Look => ({ at: "connection", id: channel }))],
  }
}

/** Orders come and are released, and goods do not leave; or there are none to send. */
function warehouseDelay({ evidence, stuck }: Judged): Explains {
  const away = evidence.troubles.filter(({ connection }) => evidence.warehouses.includes(connection))
  const short = evidence.cases.filter(isAboutGoods)
  const waiting = Math.min(stuck, evidence.waiting.released)
  return {
    cause: "warehouse delay",
    orders: total([waiting, ...short.map(({ orders }) => orders)]),
    evidence: [
      ...(waiting > 0
        ? [
            `${whole(stuck)} orders fewer than usual left, and ${evidence.waiting.released} are released and have not left`,
          ]
        : []),
      ...saidOf(away),
      ...short.map(caseText),
    ],
    look: [...looksAt(away), ...groupsOf(short), ...(waiting > 0 ? [{ at: "orders", id: "released" } as const] : [])],
  }
}

/** Deliveries and orders that hold what nobody can use: an article nobody knows, a value that is refused. */
function badData({ evidence }: Judged): Explains {
  const cases = evidence.cases.filter((one) => one.kind === "data" && !isAboutGoods(one))
  const unread = evidence.unread
    .map(({ connection, deliveries }) => ({ connection, more: deliveries.now - median(deliveries.earlier) }))
    .filter(({ more }) => more >= ordersMin)
  return {
    cause: "bad data",
    orders: Math.max(beyondUsual(evidence, cases, "data"), total(unread.map(({ more }) => more))),
    evidence: [
      ...cases.map(caseText),
      ...unread.map(
        ({ connection, more }) => `${whole(more)} deliveries of ${connection} more than usual could not be read`,
      ),
    ],
    look: [...groupsOf(cases), ...unread.map(({ connection }): Look => ({ at: "connection", id: connection }))],
  }
}

/** One step of ours stops orders in one way. Parcels that come back, returns and credits stop no order. */
function workflowFlaw({ evidence }: Judged): Explains {
  const cases = evidence.cases.filter((one) => one.kind === "flow" && one.about === "order" && !isAboutGoods(one))
  return {
    cause: "workflow flaw",
    orders: beyondUsual(evidence, cases, "flow"),
    evidence: cases.map(caseText),
    look: groupsOf(cases),
  }
}

/** What no signal explains: fewer people buy. */
function demand({ channels, missing }: Judged, others: readonly Explains[]): Explains {
  const explained = total(others.map(({ cause, orders }) => (cause === "warehouse delay" ? 0 : orders)))
  const low = channels.filter(({ placed }) => placed.is === "low")
  const shares = low.map(({ placed }) => placed.now / placed.expected)
  const isEven = low.length > 1 && Math.max(...shares) - Math.min(...shares) < 0.25
  return {
    cause: "demand",
    orders: Math.max(0, missing - explained),
    evidence: [
      ...low.map(
        ({ channel, placed: { now, expected } }) => `${channel}: ${now} orders where ${whole(expected)} are usual`,
      ),
      ...(isEven ? ["all channels are down alike"] : []),
      "no system, reader, delivery or step explains it; how many people looked at the shops is not known here",
    ],
    look: low.map(({ channel }) => ({ at: "figures", id: channel })),
  }
}

/** Of one connection, the trouble that took longest. */
function byConnection(troubles: readonly Trouble[]): { connection: string; share: number }[] {
  const groups = Map.groupBy(troubles, ({ connection }) => connection)
  return [...groups].map(([connection, own]) => ({ connection, share: Math.max(...own.map(({ share }) => share)) }))
}

/** What is missing of a channel while something was wrong: what is expected of that time, at most what is missing at all. */
function missingOver({ expected, is, missing }: Compared, share: number): number {
  const most = is === "not enough data" ? expected : missing
  return Math.min(most, expected * share)
}

/** Orders that wait before they are released, while a system that they need is away. */
const stuckOver = ({ waiting }: Evidence, stuck: number, share: number) =>
  share > 0 ? Math.min(stuck, waiting.before) : 0

/** Orders of some cases, at most as many as there are more cases of their kind than usual. */
function beyondUsual(
  { cases: all, usualCases }: Evidence,
  some: readonly CasesOfOneCause[],
  kind: "data" | "flow",
): number {
  const count = (cases: readonly CasesOfOneCause[]) =>
    total(cases.map(({ orders, cases: own }) => (orders > 0 ? orders : own)))
  const more = count(all.filter((one) => one.kind === kind)) - median(usualCases[kind].earlier)
  return Math.min(count(some), Math.max(0, more))
}

const goodsCauses = ["stock is short", "goods are nowhere", "location is short"]
const isAboutGoods = ({ cause }: CasesOfOneCause) => goodsCauses.includes(cause)

function caseText({
  cause,
  connection,
  operation,
  code,
  field,
  value,
  channel,
  orders,
  cases,
}: CasesOfOneCause): string {
  const parts = [connection, operation === cause ? undefined : operation, code, field, value, channel]
  const named = parts.filter((part) => part !== undefined && part !== "").join(", ")
  return `${cause}${named === "" ? "" : ` (${named})`}: ${cases} ${cases === 1 ? "case" : "cases"}, ${orders} ${orders === 1 ? "order" : "orders"}`
}

const total = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0)
const whole = (number: number) => String(Math.round(number))
const saidOf = (troubles: readonly Trouble[]) =>
  troubles.map(
    ({ says, share, isOver }) => `${says} (${Math.round(share * 100)} % of the time${isOver ? ", over by now" : ""})`,
  )
const looksAt = (troubles: readonly Trouble[]): Look[] =>
  [...new Set(troubles.map(({ connection }) => connection))].map((id) => ({ at: "connection", id }))
const groupsOf = (cases: readonly CasesOfOneCause[]): Look[] => cases.map(({ group }) => ({ at: "group", id: group }))
