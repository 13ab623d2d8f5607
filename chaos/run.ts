import { randomInt } from "node:crypto"
import { runChaos } from "./chaos-run.ts"
import { reportText } from "./checks/table.ts"
import { strikeText } from "./strikes.ts"
import { readSettings, usage, type ChaosSettings } from "./settings.ts"

// Of a run that failed, people of other stores may still wait for processes that are gone.
process.exit(await main())

/** Exit codes as in the CLI: 0 done, 1 the run itself failed, 2 usage, 4 an invariant is violated. */
async function main(): Promise<number> {
  const settings = settingsOrUndefined()
  if (!settings) return 2
  const { seed, orders, ordersPerSecond, workers, gateways, stores, isFailover } = settings
  const database = isFailover ? "a primary with a standby" : "one database"
  console.log(
    `chaos: ${orders} orders at ${ordersPerSecond}/s, stores: ${stores}, gateways: ${gateways}, workers: ${workers}, ${database}, seed ${seed}`,
  )
  const startedAt = Date.now()
  const say = (text: string) => console.log(`${((Date.now() - startedAt) / 1000).toFixed(1).padStart(7)} s  ${text}`)
  try {
    const { report, trading, strikes, keptIn, timings } = await runChaos({ settings, onProgress: onChange(say) })
    console.log(reportText(report))
    const struck = strikes.map(strikeText).join(", ") || "nothing killed"
    console.log(`${trading.placed} placed; ${struck}`)
    const seconds = Object.entries(timings).map(([name, ms]) => `${name.replace("Ms", "")} ${(ms / 1000).toFixed(1)} s`)
    console.log(`timings: ${seconds.join(", ")}`)
    if (keptIn !== undefined) console.log(`kept: ${keptIn}`)
    const isClean = report.violations.length === 0
    console.log(`${isClean ? "every invariant held" : `${report.violations.length} violations`}, seed ${seed}`)
    return isClean ? 0 : 4
  } catch (error) {
    console.error(error)
    console.error(`the run failed, seed ${seed}`)
    return 1
  }
}

/** Leaves out a line that is equal to the last one. */
function onChange(say: (text: string) => void): (text: string) => void {
  let last = ""
  return (text) => {
    if (text === last) return
    last = text
    say(text)
  }
}

function settingsOrUndefined(): ChaosSettings | undefined {
  try {
    return readSettings(process.argv.slice(2), () => randomInt(1, 1_000_000))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
    return undefined
  }
}
