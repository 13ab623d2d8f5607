import { moneyToDecimal } from "../../base/money.ts"
import { monotonicMs } from "../../base/time.ts"
import { connectApi, type Api } from "../api.ts"

/** The figures of `GET /v1/kpis` that the view shows. */
interface Figures {
  orders: {
    total: number
    perSecondLastMinute: number
    closedPerSecondLastMinute: number
    byState: Record<string, number>
    foundByPoll: number
  }
  waiting: { kind: string; name: string; count: number }[]
  effects: { connection: string; outcome: string; count: number; attempts: number; probes: number }[]
  deliveries: { received: number; duplicates: number; ignored: number; parked: number }
  stock: { skus: number; onHand: number; reserved: number }
  exceptionsOpen: number
  money: { currency: string; shippedMinor: number; bookedMinor: number }[]
}

interface ViewOptions {
  isTerminal: boolean
  gatewayUrl: string
  /** Of the first person; undefined when somebody has signed in before. */
  signInUrl?: string | undefined
}

const refreshMs = 1000
const linesMs = 5000
/** While nothing changes, lines are this far apart. */
const quietLinesMs = 30_000

/** Shows what is going on: a screen that refreshes in a terminal, plain lines elsewhere. Reads the public API only. */
export function runLiveView(options: ViewOptions): { stop(): void } {
  const api = connectApi()
  let isBusy = false
  let shown = { text: "", sinceMs: 0 }
  const show = async () => {
    const isQuiet = !options.isTerminal && monotonicMs() - shown.sinceMs < quietLinesMs
    if (isBusy || isQuiet) return
    isBusy = true
    try {
      const text = await draw(api, options)
      shown = { text, sinceMs: text === shown.text ? monotonicMs() : 0 }
    } catch {
      // The gateway is starting, stopping or being killed on purpose; the next look tells.
    } finally {
      isBusy = false
    }
  }
  process.stdout.write(`\n${welcome(options)}\n\n`)
  const timer = setInterval(() => void show(), options.isTerminal ? refreshMs : linesMs)
  return {
    stop: () => {
      clearInterval(timer)
      api.close()
    },
  }
}

function welcome({ gatewayUrl, signInUrl }: ViewOptions): string {
  return [
    `Crossdock trades at ${gatewayUrl}   (Ctrl-C stops everything)`,
    signInUrl === undefined
      ? `Its console: ${gatewayUrl}/console/   (\`npx crossdock people link admin\` signs you in again)`
      : `Its console, signed in: ${signInUrl}   (works once)`,
    "Try in another terminal, in this folder:",
    "  npx crossdock orders                        the newest orders, with their states",
    "  npx crossdock trace <order>                 every hop of one order, over all systems",
    "  npx crossdock demo break mapping            something goes wrong, as it does in real estates; demo mend puts it right",
    "  npx crossdock connections pause sap         take the ERP away, watch orders wait; resume sap brings it back",
    "  npx crossdock effects --outcome unknown     calls nobody answered, before they are looked up",
    "  npx crossdock exceptions                    what needs a person",
    `  ${gatewayUrl}/openapi.json                  the API`,
  ].join("\n")
}

/** Shows the figures as they are now, and returns what it shows. */
async function draw(api: Api, options: ViewOptions): Promise<string> {
  const figures = await api.get<Figures>("/v1/kpis")
  const text = options.isTerminal ? `\u001B[2J\u001B[H${welcome(options)}\n\n${screenOf(figures)}` : lineOf(figures)
  process.stdout.write(`${text}\n`)
  return text
}

/** One line, for logs and machines without a terminal. */
function lineOf(figures: Figures): string {
  const { orders, deliveries, exceptionsOpen } = figures
  const states = Object.entries(orders.byState).map(([state, count]) => `${count} ${state}`)
  const waiting = figures.waiting
    .filter(({ kind }) => kind === "connection")
    .map(({ name, count }) => `${count} wait for ${name}`)
  return [
    `${orders.total} orders (${states.join(", ") || "none yet"})`,
    `${orders.closedPerSecondLastMinute.toFixed(1)} closed/s`,
    `${deliveries.duplicates} duplicates stopped`,
    moneyLine(figures),
    ...waiting,
    `${exceptionsOpen} need a person`,
  ].join("; ")
}

function moneyLine({ money }: Figures): string {
  const parts = money.map(({ currency, shippedMinor, bookedMinor }) => {
    const text = (amountMinor: number) => moneyToDecimal({ amountMinor, currency })
    return shippedMinor === bookedMinor
      ? `${text(shippedMinor)} ${currency} shipped = booked`
      : `${text(shippedMinor)} ${currency} shipped, ${text(bookedMinor)} booked`
  })
  return parts.join(", ") || "nothing shipped yet"
}

const barWidth = 36

/** The whole screen: bars for states, then what waits and why, effects by outcome, duplicates, stock and money. */
function screenOf(figures: Figures): string {
  const { orders, deliveries, stock } = figures
  const largest = Math.max(1, ...Object.values(orders.byState))
  const bars = Object.entries(orders.byState).map(
    ([state, count]) =>
      `  ${state.padEnd(22)} ${String(count).padStart(6)}  ${"█".repeat(Math.ceil((count / largest) * barWidth))}`,
  )
  const waiting = figures.waiting.map(
    ({ kind, name, count }) => `  ${String(count).padStart(6)}  ${kind.padEnd(10)} ${name.slice(0, 80)}`,
  )
  return [
    `ORDERS  ${orders.total} in 24 h    in ${orders.perSecondLastMinute.toFixed(1)}/s    closed ${orders.closedPerSecondLastMinute.toFixed(1)}/s    found by the backstop ${orders.foundByPoll}`,
    ...bars,
    "",
    "WAITING, AND FOR WHAT",
    ...(waiting.length > 0 ? waiting : ["  nothing"]),
    "",
    "EFFECTS ON OTHER SYSTEMS           done  rejected  retryable  unknown  under way   attempts   looked up",
    ...effectLines(figures.effects),
    "",
    `DELIVERIES  ${deliveries.received} received    ${deliveries.duplicates} duplicates stopped    ${deliveries.ignored} of no concern    ${deliveries.parked} parked`,
    `STOCK       ${stock.onHand} of ${stock.skus} SKUs on hand    ${stock.reserved} reserved`,
    `MONEY       ${moneyLine(figures)}`,
    `PEOPLE      ${figures.exceptionsOpen} exceptions wait for a decision`,
  ].join("\n")
}

function effectLines(effects: Figures["effects"]): string[] {
  const connections = [...new Set(effects.map(({ connection }) => connection))]
  return connections.map((connection) => {
    const own = effects.filter((row) => row.connection === connection)
    const count = (outcome: string) => String(own.find((row) => row.outcome === outcome)?.count ?? 0)
    const total = (key: "attempts" | "probes") => String(own.reduce((sum, row) => sum + row[key], 0))
    const cells = [
      count("done").padStart(8),
      count("rejected").padStart(10),
      count("retryable").padStart(11),
      count("unknown").padStart(9),
    ]
    return `  ${connection.padEnd(28)} ${cells.join("")}${count("under way").padStart(11)}${total("attempts").padStart(11)}${total("probes").padStart(12)}`
  })
}
