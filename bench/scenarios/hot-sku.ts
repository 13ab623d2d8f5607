import { startProgram, type Program } from "../child.ts"
import { costEach, countCost } from "../counters.ts"
import { commitFloor } from "../floors/pgbench.ts"
import { scored, type Options, type Result } from "../scenario.ts"
import { settle, type Stack } from "../stack.ts"
import { median, pairedRatio } from "../statistics.ts"

const callers = 512
const sku = "HOT"
const plentyMilli = 900_000_000_000
const openLoopShare = 0.5

interface Tally {
  decided: number
  granted: number
  refused: number
  repeats: number
  wrong: string[]
}
type Measured = Tally & { perSecond: number; p50Ms: number; p99Ms: number }
type SellOut = Tally & { grantedMilli: number; leastRefusedMilli: number; wantedMilli: number }

/** Decisions a second on one hot SKU through the stock engine, beside single-row insert commits on the same server. */
export async function hotSku(stack: Stack, options: Options): Promise<Result> {
  const { seconds, rounds } = options
  const load = startProgram("reserve-load")
  const floor = await commitFloor(stack, options)
  try {
    await load.ask({ do: "connect", databaseUrl: stack.databaseUrl, sku, milli: plentyMilli })
    const tallies: Tally[] = [await load.ask<Measured>({ do: "run", sku, callers, seconds: seconds / 2 })]
    const measured: (Measured & { floor: number; clients: number })[] = []
    for (let round = 0; round < rounds; round += 1) {
      await settle(stack.sql)
      const ours = await load.ask<Measured>({ do: "run", sku, callers, seconds })
      await settle(stack.sql)
      const best = await floor.measure(seconds)
      measured.push({ ...ours, floor: best.perSecond, clients: best.clients })
      tallies.push(ours)
    }
    const ours = measured.map((one) => one.perSecond)
    await settle(stack.sql)
    const counting = await countCost(stack.sql, { ...stack.pids, callers: load.pid })
    const counted = await load.ask<Measured>({ do: "run", sku, callers, seconds: seconds / 2 })
    const spent = await counting()
    const arriving = { do: "arrive", sku, perSecond: Math.round(median(ours) * openLoopShare), seconds }
    const open = await load.ask<Measured>(arriving)
    tallies.push(counted, open)
    const violations = [...(await conservation(stack, tallies)), ...(await sellOut(stack, load))]
    return scored(
      {
        ours: Math.round(median(ours)),
        floor: Math.round(median(measured.map((one) => one.floor))),
        unit: "decisions/s",
        floorIs: `single-row insert commits/s, ${floor.label}, best of c=1..36 (c=${measured.at(-1)?.clients ?? 0})`,
        p50Ms: median(measured.map((one) => one.p50Ms)),
        p99Ms: median(measured.map((one) => one.p99Ms)),
        latencyIs: `closed loop, ${callers} callers`,
        rounds: measured.map((one) => ({ ours: Math.round(one.perSecond), floor: Math.round(one.floor) })),
        perUnit: costEach(spent, counted.decided),
        violations,
        notes: [
          "engine API (src/stock) in one process; idempotency key, expiry, 1 % repeats, every outcome checked",
          `open loop at ${arriving.perSecond}/s: p50 ${open.p50Ms} ms, p99 ${open.p99Ms} ms`,
        ],
        more: { openLoopPerSecond: arriving.perSecond, openLoopP50Ms: open.p50Ms, openLoopP99Ms: open.p99Ms },
      },
      pairedRatio(
        ours,
        measured.map((one) => one.floor),
      ),
    )
  } finally {
    await load.stop()
    await floor.stop()
  }
}

/** Every grant is in the tables once, and the sums agree. */
async function conservation(stack: Stack, tallies: readonly Tally[]): Promise<string[]> {
  const granted = tallies.reduce((sum, tally) => sum + tally.granted, 0)
  const wrong = tallies.flatMap((tally) => tally.wrong).slice(0, 5)
  const refused = tallies.reduce((sum, tally) => sum + tally.refused, 0)
  const [row] = await stack.sql<{ reserved: number; onHand: number; held: number; rows: number }[]>`
    select s.reserved_milli as reserved, s.on_hand_milli as "onHand",
      (select coalesce(sum(held_milli), 0)::bigint from stock_reservation_lines where sku = ${sku}) as held,
      (select count(*) from stock_reservations where owner like ${`${sku}-%`}) as rows
    from stock_skus s where s.sku = ${sku}`
  const violations = wrong.map((text) => `wrong outcome: ${text}`)
  if (!row) return [...violations, "the hot SKU is not there"]
  if (refused > 0) violations.push(`${refused} refused although there was plenty`)
  if (row.rows !== granted) violations.push(`${granted} were granted, ${row.rows} are in the tables`)
  if (row.held !== granted * 1000) violations.push(`${granted * 1000} granted, lines hold ${row.held}`)
  if (row.reserved !== row.held) violations.push(`the SKU says ${row.reserved} reserved, its lines ${row.held}`)
  if (row.reserved > row.onHand) violations.push("more is reserved than there is")
  return violations
}

/** A second SKU is sold until it is out of stock: never more than its stock, and no fitting request is refused. */
async function sellOut(stack: Stack, load: Program): Promise<string[]> {
  const pieces = 3000
  const gone = "SOLD-OUT"
  await load.ask({ do: "connect", databaseUrl: stack.databaseUrl, sku: gone, milli: pieces * 1000 })
  const sold = await load.ask<SellOut>({ do: "sellOut", sku: gone, pieces, callers })
  const leftMilli = pieces * 1000 - sold.grantedMilli
  const violations = sold.wrong.slice(0, 5).map((text) => `wrong outcome while selling out: ${text}`)
  if (leftMilli < 0) violations.push(`oversold by ${-leftMilli} thousandths`)
  if (leftMilli >= sold.leastRefusedMilli)
    violations.push(`refused ${sold.leastRefusedMilli} although ${leftMilli} were left to the end`)
  const [row] = await stack.sql<
    { reserved: number }[]
  >`select reserved_milli as reserved from stock_skus where sku = ${gone}`
  if (row?.reserved !== sold.grantedMilli)
    violations.push(`granted ${sold.grantedMilli}, the SKU says ${row?.reserved ?? "nothing"}`)
  return violations
}
