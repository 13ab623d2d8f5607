import { parseArgs } from "node:util"
import { endAll } from "./child.ts"
import { describeMachine, load, type Machine } from "./machine.ts"
import { printReport, printScenario } from "./report.ts"
import type { Result, Scenario } from "./scenario.ts"
import { hotSku } from "./scenarios/hot-sku.ts"
import { hotSkuHttp } from "./scenarios/hot-sku-http.ts"
import { ingest } from "./scenarios/ingest.ts"
import { orders } from "./scenarios/orders.ts"
import { startStack } from "./stack.ts"

// npm run bench [-- --seconds N --rounds N --quick --only hotSku,ingest --json]

const scenarios: Record<string, Scenario> = { hotSku, hotSkuHttp, ingest, orders }

const { values } = parseArgs({
  options: {
    seconds: { type: "string" },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    json: { type: "boolean", default: false },
  },
})

for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    endAll()
    process.exit(1)
  })
process.exitCode = await main()

async function main(): Promise<number> {
  const names = values.only === undefined ? Object.keys(scenarios) : values.only.split(",").map((name) => name.trim())
  const unknown = names.filter((name) => scenarios[name] === undefined)
  const seconds = Number(values.seconds ?? (values.quick ? 3 : 10))
  const rounds = Number(values.rounds ?? (values.quick ? 3 : 5))
  if (unknown.length > 0 || !(seconds > 0) || !Number.isInteger(rounds) || rounds < 1) {
    process.stderr.write(
      `usage: bench [--seconds N] [--rounds N] [--quick] [--only ${Object.keys(scenarios).join(",")}] [--json]\n`,
    )
    return 2
  }
  const results: Record<string, Result> = {}
  let machine: Machine | undefined
  for (const name of names) {
    process.stderr.write(`${name} …\n`)
    // Engines of its own for each scenario: the floor shares them, what another scenario left behind does not.
    const stack = await startStack()
    try {
      machine ??= describeMachine(stack.folder, stack.versions)
      const result = await scenarios[name]?.(stack, { seconds, rounds })
      if (!result) continue
      results[name] = result
      printScenario(name, result)
    } finally {
      await stack.stop()
    }
  }
  if (!machine) return 2
  const measured = { ...machine, loadAtEnd: load() }
  printReport(results, { machine: measured, seconds, rounds })
  if (values.json)
    process.stdout.write(`${JSON.stringify({ machine: measured, seconds, rounds, scenarios: results })}\n`)
  return Object.values(results).some((result) => result.violations.length > 0) ? 4 : 0
}
