import type { Cost } from "./counters.ts"
import type { Machine } from "./machine.ts"
import type { OrderCost } from "./orders/cost.ts"
import type { Figure, Findings, Result } from "./scenario.ts"
import type { Spread } from "./statistics.ts"

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Prints one scenario as soon as it is measured. */
export function printScenario(name: string, result: Result): void {
  say(`\n${name}: ${result.ours} ${result.unit}; floor ${result.floor} (${result.floorIs})`)
  say(
    `  ratio ${result.ratio} [${result.interval.join(" … ")}], rounds ${result.rounds.map(({ ours, floor }) => `${ours}/${floor}`).join("  ")}`,
  )
  if (result.p50Ms !== undefined)
    say(`  p50 ${result.p50Ms} ms, p99 ${result.p99Ms ?? "?"} ms (${result.latencyIs ?? "closed loop"})`)
  say(`  each costs: ${costText(result.perUnit)}`)
  if (result.orderCost) printOrderCost(result.orderCost)
  printEnd(result)
}

/** A scenario without a floor: its figures, one a line. */
export function printFindings(name: string, findings: Findings): void {
  say(`\n${name}`)
  const width = Math.max(...findings.figures.map((one) => one.name.length))
  for (const one of findings.figures) say(`  ${one.name.padEnd(width)}  ${figureText(one)}`)
  printEnd(findings)
}

function figureText({ value, unit, interval, more }: Figure): string {
  const spread = interval === undefined ? "" : ` [${interval.join(" … ")}]`
  return `${value}${spread} ${unit}${more === undefined ? "" : `; ${more}`}`.trimEnd()
}

function printEnd({ notes, violations }: Pick<Findings, "notes" | "violations">): void {
  for (const note of notes) say(`  ${note}`)
  for (const violation of violations) say(`  VIOLATED: ${violation}`)
  if (violations.length === 0) say("  invariants hold")
}

function printOrderCost(cost: OrderCost): void {
  const floorBy = Object.entries(cost.floorCpuBy).map(([name, ms]) => `${name} ${ms}`)
  say(`  own CPU-ms an order (PostgreSQL, gateway, worker): ${spreadText(cost.ownCpuMs)}`)
  say(`  floor's CPU-ms a run: ${spreadText(cost.floorCpuMs)}: ${floorBy.join(", ")}`)
  say(`  ratio of the two: ${spreadText(cost.ownCpuRatio)}`)
  say(
    `  WAL bytes ${spreadText(cost.walBytes)}, transactions ${spreadText(cost.transactions)}, WAL flushes ${spreadText(cost.walFlushes)}`,
  )
}

function spreadText({ median, low, high }: Spread): string {
  return `${median} [${low} … ${high}]`
}

function costText({ transactions, walFlushes, walBytes, cpuMs }: Cost): string {
  const cpu = Object.entries(cpuMs).map(([name, ms]) => `${name} ${ms}`)
  return `${transactions} transactions, ${walFlushes} WAL flushes, ${walBytes} WAL bytes; CPU-ms: ${cpu.join(", ")}`
}

const columns = ["scenario", "ours", "floor", "unit", "ratio", "95 % of it", "p50 ms", "p99 ms", "invariants"]

/** Machine and the table of everything. */
export function printReport(
  results: Readonly<Record<string, Result>>,
  run: { machine: Machine; seconds: number; rounds: number },
): void {
  const { machine } = run
  say(`\n${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB; commit ${machine.commit}`)
  say(
    `Node ${machine.node}, PostgreSQL ${machine.postgres}, Restate ${machine.restate}, DBOS ${machine.dbos}, Fastify ${machine.fastify}`,
  )
  say(
    `own fdatasync probe ${machine.fdatasyncPerSecond}/s; load ${machine.loadAtStart.join(" ")} → ${machine.loadAtEnd?.join(" ") ?? "?"}`,
  )
  say(
    `${run.rounds} rounds of ${run.seconds} s each side, ours and floor in turn; medians; interval by bootstrap over rounds\n`,
  )
  if (Object.keys(results).length === 0) return
  const rows = Object.entries(results).map(([name, result]) => [
    name,
    String(result.ours),
    String(result.floor),
    result.unit,
    String(result.ratio),
    result.interval.join(" … "),
    String(result.p50Ms ?? ""),
    String(result.p99Ms ?? ""),
    result.violations.length === 0 ? "hold" : `${result.violations.length} VIOLATED`,
  ])
  const widths = columns.map((title, at) => Math.max(title.length, ...rows.map((row) => (row[at] ?? "").length)))
  for (const row of [columns, ...rows]) say(row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  "))
}
