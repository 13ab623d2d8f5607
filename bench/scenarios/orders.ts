import { setTimeout as sleep } from "node:timers/promises"
import { startProgram, type Child, type Program } from "../child.ts"
import { costEach, countCost } from "../counters.ts"
import { startBenchLab, type BenchLab } from "../lab.ts"
import type { LoadResult } from "../programs/http-client.ts"
import { best, scored, sweep, type Options, type Result } from "../scenario.ts"
import { settle, type Stack } from "../stack.ts"
import { median, pairedRatio } from "../statistics.ts"

const floorConnections = [64, 128, 256]
const inFlightCounts = [32, 128, 512]
// Counting what is closed costs the server a scan; at this pace it is not seen beside the orders themselves.
const topUpEveryMs = 200
const turns = 3
const firstBatch = 20
const openLoopShare = 0.5
const closesWithinMs = 180_000

interface Parts {
  stack: Stack
  lab: BenchLab
  load: Program
  steps: number
  placed: string[]
}

/** Orders from the shop's webhook to closed, every step of them, beside a Restate service with as many steps that do nothing. */
export async function orders(stack: Stack, options: Options): Promise<Result> {
  const { seconds, rounds } = options
  const lab = await startBenchLab(stack)
  const started: Child[] = [lab]
  try {
    const gateway = await stack.startCrossdock("gateway", lab.addresses)
    started.unshift(gateway)
    const worker = await stack.startCrossdock("worker", lab.addresses)
    const floor = startProgram("restate-floor")
    const load = startProgram("http-load")
    started.unshift(worker, floor, load)
    await lab.open(stack, gateway.url)
    await floor.ask({ do: "serve", adminUrl: stack.restateAdminUrl })
    const parts: Parts = { stack, lab, load, steps: 0, placed: [] }
    const trySeconds = seconds / 3
    await closeOrders(parts, firstBatch, trySeconds)
    const inFlight = await best(sweep(inFlightCounts, options), (count) => closeOrders(parts, count, trySeconds))
    parts.steps = await stepsPerOrder(stack)
    const connections = await best(
      sweep(floorConnections, options),
      async (count) => (await runFloor(parts, count, trySeconds)).perSecond,
    )
    const measured: { ours: number; floor: LoadResult }[] = []
    for (let round = 0; round < rounds; round += 1) {
      await settle(stack.sql)
      const ours = await closeOrders(parts, inFlight, seconds)
      await settle(stack.sql)
      measured.push({ ours, floor: await runFloor(parts, connections, seconds) })
    }
    const pids = { ...stack.pids, gateway: gateway.pid, worker: worker.pid, lab: lab.pid }
    const counting = await countCost(stack.sql, pids)
    const placedBefore = parts.placed.length
    await closeOrders(parts, inFlight, trySeconds)
    const spent = await counting()
    const counted = parts.placed.length - placedBefore
    const ours = measured.map((one) => one.ours)
    const openRate = Math.max(1, Math.round(median(ours) * openLoopShare))
    const open = await openLoop(parts, openRate, seconds)
    return scored(
      {
        ours: Number(median(ours).toPrecision(4)),
        floor: Math.round(median(measured.map((one) => one.floor.perSecond))),
        unit: "orders/s",
        floorIs: `raw Restate, one service with ${parts.steps} ctx.run no-op steps, ${connections} connections`,
        ...open,
        latencyIs: `webhook durable to closed, open loop at ${openRate}/s`,
        rounds: measured.map((one) => ({ ours: Math.round(one.ours), floor: Math.round(one.floor.perSecond) })),
        perUnit: costEach(spent, counted),
        violations: [...(await checkBooks(parts)), ...wrongFloor(measured)],
        notes: [
          `${inFlight} plain orders under way, through shop, fraud, tax, payment, ERP, warehouse, mail; simulators without latency, faults or limits in one process`,
          `${parts.steps} effects and decisions an order; gateway, worker, lab, PostgreSQL and Restate share the cores`,
        ],
      },
      pairedRatio(
        ours,
        measured.map((one) => one.floor.perSecond),
      ),
    )
  } finally {
    for (const child of started) await child.stop()
  }
}

/**
 * Keeps so many orders under way until the time is over and three times as many were placed, then lets the last ones finish.
 * Answers orders closed a second from the first click to the last close, so filling and draining count against us.
 */
async function closeOrders(parts: Parts, inFlight: number, seconds: number): Promise<number> {
  const { lab, stack, placed } = parts
  const placedBefore = placed.length
  const startedAt = Date.now()
  while (Date.now() - startedAt < seconds * 1000 || placed.length - placedBefore < turns * inFlight) {
    const missing = inFlight - (placed.length - (await closedCount(stack)))
    if (missing > 0) placed.push(...(await lab.place(missing)))
    await sleep(topUpEveryMs)
  }
  await untilClosed(parts)
  return (placed.length - placedBefore) / ((Date.now() - startedAt) / 1000)
}

async function closedCount(stack: Stack): Promise<number> {
  const [row] = await stack.sql<{ closed: number }[]>`select count(*) as closed from orders where state = 'closed'`
  return row?.closed ?? 0
}

async function untilClosed({ stack, placed }: Parts): Promise<void> {
  const deadline = Date.now() + closesWithinMs
  for (;;) {
    if ((await closedCount(stack)) >= placed.length) return
    if (Date.now() > deadline) throw new Error(`${placed.length} orders placed, ${await unfinished(stack)}`)
    await sleep(50)
  }
}

async function unfinished(stack: Stack): Promise<string> {
  const states = await stack.sql`select state, count(*) as count from orders group by 1`
  const steps = await stack.sql`
    select step, outcome, error ->> 'message' as error, count(*) as count from workflow_steps
    where kind in ('effect', 'undo') and coalesce(outcome, '') <> 'done' group by 1, 2, 3 order by 4 desc limit 5`
  const waits = await stack.sql`
    select state, waiting, count(*) as count from workflow_instances where finished_at is null group by 1, 2 order by 3 desc limit 5`
  const exceptions =
    await stack.sql`select cause, min(summary) as summary, count(*) as count from exceptions group by 1`
  return JSON.stringify({ states, steps, waits, exceptions }, null, 1)
}

async function stepsPerOrder(stack: Stack): Promise<number> {
  const [row] = await stack.sql<{ steps: number }[]>`
    select (count(*)::float8 / count(distinct key)) as steps from workflow_steps where kind in ('effect', 'undo', 'decide')`
  return Math.max(1, Math.round(row?.steps ?? 1))
}

function runFloor({ load, stack, steps }: Parts, connections: number, seconds: number): Promise<LoadResult> {
  const body = JSON.stringify({ steps })
  const request = {
    do: "invoke",
    url: stack.restateIngressUrl,
    path: "/benchFloor/run",
    body,
    expects: `{"steps":${steps}}`,
  }
  return load.ask<LoadResult>({ ...request, connections, seconds })
}

async function openLoop(
  parts: Parts,
  ratePerSecond: number,
  seconds: number,
): Promise<{ p50Ms: number; p99Ms: number }> {
  const [from] = await parts.stack.sql<{ at: Date }[]>`select clock_timestamp() as at`
  parts.placed.push(
    ...(await parts.lab.place(Math.max(firstBatch, Math.round(ratePerSecond * seconds)), ratePerSecond)),
  )
  await untilClosed(parts)
  const [row] = await parts.stack.sql<{ p50: number; p99: number }[]>`
    select percentile_cont(0.5) within group (order by took) as p50, percentile_cont(0.99) within group (order by took) as p99
    from (
      select extract(epoch from o.finished_at - i.received_at)::float8 * 1000 as took
      from orders o join events e on e.key = o.id and e.type = 'order.placed' join inbox i on i.id = e.inbox_id
      where i.received_at >= ${from?.at ?? new Date()}
    ) orders_of_this_loop`
  return { p50Ms: Math.round(row?.p50 ?? Number.NaN), p99Ms: Math.round(row?.p99 ?? Number.NaN) }
}

function wrongFloor(measured: readonly { floor: LoadResult }[]): string[] {
  return measured
    .flatMap(({ floor }) => floor.wrong)
    .slice(0, 3)
    .map((answer) => `wrong answer of the floor: ${answer}`)
}

/** Every order closed once, in the ERP's books once, shipped once, and no stock held for what is finished. */
async function checkBooks({ stack, lab, placed }: Parts): Promise<string[]> {
  const [row] = await stack.sql<{ orders: number; closed: number; open: number; held: number; negative: number }[]>`
    select (select count(*) from orders) as orders, (select count(*) from orders where state = 'closed') as closed,
      (select count(*) from workflow_instances where finished_at is null) as open,
      (select coalesce(sum(held_milli), 0)::bigint from stock_reservation_lines) as held,
      (select count(*) from stock_positions where on_hand_milli < 0 or reserved_milli <> 0) as negative`
  const violations: string[] = []
  const expect = (what: string, found: number | undefined, wanted: number) => {
    if (found !== wanted) violations.push(`${what}: ${found ?? "none"}, should be ${wanted}`)
  }
  const booked = (await lab.books("sap-s4hana", "orders")) as { PurchaseOrderByCustomer?: string }[]
  const released = (await lab.books("warehouse", "shipmentRequests")) as { orderId?: string }[]
  expect("distinct orders placed", new Set(placed).size, placed.length)
  expect("orders in the book", row?.orders, placed.length)
  expect("orders closed", row?.closed, placed.length)
  expect("workflows not finished", row?.open, 0)
  expect("stock still held", row?.held, 0)
  expect("positions below zero or still reserved", row?.negative, 0)
  expect("sales orders in the ERP", booked.length, placed.length)
  expect(
    "distinct references in the ERP",
    new Set(booked.map((one) => one.PurchaseOrderByCustomer)).size,
    placed.length,
  )
  expect("orders at the warehouse", new Set(released.map((one) => one.orderId)).size, placed.length)
  return violations
}
