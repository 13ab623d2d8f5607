import type { Cost } from "./counters.ts"
import type { Machine } from "./machine.ts"
import type { Result } from "./scenario.ts"

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** One scenario in full, as soon as it is measured. */
export function printScenario(name: string, result: Result): void {
  say(`\n${name}: ${result.ours} ${result.unit}; floor ${result.floor} (${result.floorIs})`)
  say(
    `  ratio ${result.ratio} [${result.interval.join(" … ")}], rounds ${result.rounds.map(({ ours, floor }) => `${ours}/${floor}`).join("  ")}`,
  )
  if (result.p50Ms !== undefined)
    say(`  p50 ${result.p50Ms} ms, p99 ${result.p99Ms ?? "?"} ms (${result.latencyIs ?? "closed loop"})`)
  say(`  each costs: ${costText(result.perUnit)}`)
  for (const note of result.notes) say(`  ${note}`)
  for (const violation of result.violations) say(`  VIOLATED: ${violation}`)
  if (result.violations.length === 0) say("  invariants hold")
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
  say(`Node ${machine.node}, PostgreSQL ${machine.postgres}, Restate ${machine.restate}, Fastify ${machine.fastify}`)
  say(
    `own fdatasync probe ${machine.fdatasyncPerSecond}/s; load ${machine.loadAtStart.join(" ")} → ${machine.loadAtEnd?.join(" ") ?? "?"}`,
  )
  say(
    `${run.rounds} rounds of ${run.seconds} s each side, ours and floor in turn; medians; interval by bootstrap over rounds\n`,
  )
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
