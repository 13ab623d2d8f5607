import type { Cost } from "../counters.ts"
import { cloneOrders, countRows, findMistakes } from "../growth/clone.ts"
import { timeReads } from "../growth/reads.ts"
import { countOrders, readBooks } from "../orders/book.ts"
import { costOf, medianCost, ownCpuMs } from "../orders/cost.ts"
import { OrderFlow } from "../orders/flow.ts"
import { callsToTime, figure, round3, type Figure, type Findings, type Options } from "../scenario.ts"
import type { Stack } from "../stack.ts"
import { median } from "../statistics.ts"

const smallMost = 1000
const measuredMost = 2000
const inFlightMost = 128
const warmUpMost = 200

interface Sizes {
  small: number
  measured: number
  wanted: number
  rounds: number
}

interface Measured {
  costs: Cost[]
  perSecond: number[]
}

/** What an order costs, and how long operators' reads take, with few orders in the database and with many. */
export async function growth(stack: Stack, options: Options): Promise<Findings> {
  const { rounds, growthOrders } = options
  // A run for a test has fewer orders than the first stretch would take.
  const sizes = {
    small: Math.min(smallMost, Math.ceil(growthOrders / 5)),
    measured: Math.min(measuredMost, Math.ceil(growthOrders / 5)),
    wanted: growthOrders,
    rounds,
  }
  const flow = await OrderFlow.start(stack)
  try {
    const before = await countRows(stack.sql)
    await flow.closeCount(sizes.small, inFlightMost)
    const few = await measure(flow, sizes)
    const mistakes = await findMistakes(stack.sql, { before, orders: sizes.small + sizes.measured })
    if (mistakes.length > 0) return { figures: [], violations: mistakes, notes: [] }
    // Read before cloning, because the books belong to the orders that were placed.
    const violations = await flow.violations()
    await grow(flow, sizes)
    await flow.closeCount(Math.min(warmUpMost, sizes.measured), inFlightMost)
    const many = await measure(flow, sizes)
    const reads = await timeReads(stack, {
      gatewayUrl: flow.gatewayUrl,
      lab: flow.lab.addresses,
      calls: callsToTime(options),
    })
    const total = await countOrders(stack.sql)
    return {
      figures: [
        ...costFigures({ few, many }, { small: sizes.small, total }),
        ...(await sizeFigures(stack, total)),
        ...reads,
      ],
      more: {
        orders: total,
        ownCpuGrowth: growthOf(ownCpuOf, { few, many }),
        walGrowth: growthOf(walOf, { few, many }),
        slowestReadMs: Math.max(...reads.map(({ value }) => value)),
      },
      violations: [...violations, ...(await unfinished(stack))],
      notes: [
        `${sizes.measured} real orders in ${rounds} rounds at each size, a checkpoint before each round; the others were cloned by SQL`,
        "reads one after the other over HTTP with the operator's key, right after the orders; the clones have no exceptions",
      ],
    }
  } finally {
    await flow.stop()
  }
}

async function measure(flow: OrderFlow, { measured, rounds }: Sizes): Promise<Measured> {
  const count = Math.max(1, Math.floor(measured / rounds))
  const all: Measured = { costs: [], perSecond: [] }
  for (let round = 0; round < rounds; round += 1) {
    const done = await costOf(flow, () => flow.closeCount(count, inFlightMost))
    all.costs.push(done.cost)
    all.perSecond.push(done.perSecond)
  }
  return all
}

/** Clones the orders. No process may see the clones appear, or it would treat them as news. */
async function grow(flow: OrderFlow, { wanted, measured }: Sizes): Promise<void> {
  const { sql, folder } = flow.stack
  await flow.stopCrossdock()
  await cloneOrders(sql, {
    orders: await countOrders(sql),
    wanted: wanted - measured,
    dataFolder: folder,
    onProgress: (text) => process.stderr.write(`cloned: ${text}\n`),
  })
  await flow.startCrossdock()
}

interface Pair {
  few: Measured
  many: Measured
}
type Pick = (measured: Measured) => number[]

const ownCpuOf: Pick = ({ costs }) => costs.map(ownCpuMs)
const postgresOf: Pick = ({ costs }) => costs.map(({ cpuMs }) => cpuMs["postgres"] ?? 0)
const walOf: Pick = ({ costs }) => costs.map(({ walBytes }) => walBytes)

function growthOf(pick: Pick, { few, many }: Pair): number {
  return round3(median(pick(many)) / median(pick(few)))
}

function costFigures(pair: Pair, at: { small: number; total: number }): Figure[] {
  const both = (name: string, unit: string, pick: Pick): Figure[] => [
    figure(`${name} from ${at.small} orders`, unit, pick(pair.few)),
    figure(`${name} up to ${at.total} orders`, unit, pick(pair.many)),
    { name: `growth of ${name}`, value: growthOf(pick, pair), unit: "times" },
  ]
  const by = Object.entries(medianCost(pair.many.costs).cpuMs).map(([name, ms]) => `${name} ${ms}`)
  return [
    ...both("own CPU", "CPU-ms an order", ownCpuOf),
    { name: "by process", value: round3(median(ownCpuOf(pair.many))), unit: `CPU-ms an order: ${by.join(", ")}` },
    ...both("PostgreSQL's CPU", "CPU-ms an order", postgresOf),
    ...both("WAL", "bytes an order", walOf),
    ...both("rate", "orders/s", ({ perSecond }) => perSecond),
  ]
}

/** Orders placed beside the clones are finished, and so are the clones. */
async function unfinished({ sql }: Stack): Promise<string[]> {
  const books = await readBooks(sql)
  if (!books) return ["no books"]
  const { orders, closed, openRuns, heldMilli } = books
  return orders === closed && openRuns === 0 && heldMilli === 0
    ? []
    : [`${orders} orders, ${closed} of them closed; ${openRuns} workflows not finished, ${heldMilli} thousandths held`]
}

async function sizeFigures({ sql }: Stack, orders: number): Promise<Figure[]> {
  const [row] = await sql<{ bytes: number }[]>`select pg_database_size(current_database()) as bytes`
  return [{ name: "database", value: round3((row?.bytes ?? 0) / orders / 1000), unit: "kB an order" }]
}
