import { parseArgs } from "node:util"
import { describeMachine, load } from "./machine.ts"
import { printReport, printScenario } from "./report.ts"
import { round3, type Result, type Scenario } from "./scenario.ts"
import { hotSku } from "./scenarios/hot-sku.ts"
import { hotSkuHttp } from "./scenarios/hot-sku-http.ts"
import { ingest } from "./scenarios/ingest.ts"
import { startStack } from "./stack.ts"

// npm run bench [-- --seconds N --rounds N --quick --only hotSku,ingest --json]

const scenarios: Record<string, Scenario> = { hotSku, hotSkuHttp, ingest }

const { values } = parseArgs({
  options: {
    seconds: { type: "string" },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    json: { type: "boolean", default: false },
  },
})

process.exitCode = await main()

async function main(): Promise<number> {
  const names = values.only === undefined ? Object.keys(scenarios) : values.only.split(",").map((name) => name.trim())
  const unknown = names.filter((name) => scenarios[name] === undefined)
  const seconds = Number(values.seconds ?? (values.quick ? 3 : 10))
  const rounds = Number(values.rounds ?? (values.quick ? 3 : 5))
  if (unknown.length > 0 || !(seconds > 0) || !Number.isInteger(rounds) || rounds < 1) {
    process.stderr.write(`usage: bench [--seconds N] [--rounds N] [--quick] [--only ${Object.keys(scenarios).join(",")}] [--json]\n`)
    return 2
  }
  const stack = await startStack()
  const results: Record<string, Result> = {}
  try {
    const machine = describeMachine(stack.folder, stack.versions)
    for (const name of names) {
      process.stderr.write(`${name} …\n`)
      const result = await scenarios[name]?.(stack, { seconds, rounds })
      if (!result) continue
      results[name] = result
      printScenario(name, result)
    }
    const measured = { ...machine, loadAtEnd: load() }
    printReport(results, { machine: measured, seconds, rounds })
    if (values.json) process.stdout.write(`${JSON.stringify({ machine: measured, seconds, rounds: round3(rounds), scenarios: results })}\n`)
  } finally {
    await stack.stop()
  }
  return Object.values(results).some((result) => result.violations.length > 0) ? 4 : 0
}
