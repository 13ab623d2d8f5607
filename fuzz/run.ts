import { randomInt } from "node:crypto"
import { chmodSync, mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { createLog } from "../src/base/log.ts"
import { openSql } from "../src/base/sql.ts"
import { migrate } from "../src/engines/migrations.ts"
import { removeDataFolder } from "../src/engines/postgres-place.ts"
import { startEngines } from "../src/engines/start-engines.ts"
import { figuresOf, isClean, runFuzz } from "./fuzz.ts"

const usage = "usage: npm run fuzz -- [--seed N] [--inputs 10000]"

process.exitCode = await main()

/** Exit codes as in the CLI: 0 nothing found, 1 the run itself failed, 2 usage, 4 something was found. */
async function main(): Promise<number> {
  const { seed, inputs } = readSettings()
  if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(inputs)) {
    console.error(usage)
    return 2
  }
  console.log(`fuzz: ${inputs} inputs, seed ${seed}`)
  const folder = mkdtempSync(join(tmpdir(), "crossdock-fuzz-"))
  // PostgreSQL's own user passes through here when the run belongs to root.
  chmodSync(folder, 0o711)
  const engines = await startEngines({ dataFolder: folder, log: createLog("fuzz", "silent"), databaseUrl: undefined })
  try {
    const sql = openSql(engines.databaseUrl, { connectionsMax: 1, name: "fuzz start" })
    await migrate(sql, join(import.meta.dirname, "..", "sql"))
    await sql.end()
    const report = await runFuzz({ databaseUrl: engines.databaseUrl, seed, inputs })
    console.log(report.table)
    for (const what of [...report.halfDone, ...report.crashes]) console.log(what)
    console.log(`${figuresOf(report)}, seed ${seed}`)
    return isClean(report) ? 0 : 4
  } catch (error) {
    console.error(error)
    return 1
  } finally {
    await engines.stop()
    removeDataFolder(folder)
  }
}

function readSettings(): { seed: number; inputs: number } {
  try {
    const { values } = parseArgs({
      options: { seed: { type: "string" }, inputs: { type: "string", default: "10000" } },
    })
    return { seed: Number(values.seed ?? randomInt(1, 1_000_000)), inputs: Number(values.inputs) }
  } catch {
    return { seed: Number.NaN, inputs: Number.NaN }
  }
}
