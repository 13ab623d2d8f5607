import { readFileSync } from "node:fs"
import { readLabArguments } from "./settings.ts"
import { topics } from "./shopify/store.ts"
import type { Simulator } from "./simulator.ts"
import type { SimulatorOverrides } from "./start.ts"
import { startLab } from "./start.ts"

// Runs the whole lab until told to stop:
// node lab/main.ts --seed 7 [--ports 4501..] [--target http://127.0.0.1:4400] [--only shopify,stripe] [--state folder]
//   [--config lab.json] [--die-with-parent] [--tell-of-stock]

const settings = readLabArguments(process.argv.slice(2))
const asked = settings.tellsOfStock ? { shopify: { appTopics: topics } } : {}
const lab = await startLab({ ...asked, ...overrides(settings.configFile), ...settings.options }).catch(
  (error: Error) => {
    console.error(`the lab cannot start: ${error.message}`)
    process.exit(1)
  },
)

let isStopping = false
const stop = (): void => {
  if (isStopping) return
  isStopping = true
  void lab.stop().then(() => process.exit(0))
}
process.on("SIGTERM", stop)
process.on("SIGINT", stop)
if (settings.diesWithParent) {
  process.stdin.resume()
  process.stdin.on("end", stop)
  process.stdin.on("close", stop)
}

const { state } = lab
const addresses = Object.fromEntries(lab.simulators.map((simulator) => [simulator.name, addressesOf(simulator)]))
console.log(
  JSON.stringify({
    ready: true,
    simulators: addresses,
    ...(state === undefined ? {} : { state: { run: state.run, found: state.found } }),
  }),
)

function addressesOf(simulator: Simulator): { url: string; smtpUrl?: string } {
  const { url } = simulator
  return "smtpUrl" in simulator ? { url, smtpUrl: String(simulator.smtpUrl) } : { url }
}

function overrides(file: string | undefined): SimulatorOverrides {
  if (file === undefined) return {}
  const parsed: unknown = JSON.parse(readFileSync(file, "utf8"))
  if (typeof parsed !== "object" || parsed === null) throw new Error(`${file} must hold a JSON object`)
  // The person who runs the lab writes this file; simulators ignore unknown settings.
  return parsed as SimulatorOverrides
}
