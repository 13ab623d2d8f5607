import { readFileSync } from "node:fs"
import { readLabArguments } from "./settings.ts"
import type { SimulatorOverrides } from "./start.ts"
import { startLab } from "./start.ts"

// Runs the whole lab until told to stop:
// node lab/main.ts --seed 7 --ports 4501.. --target http://127.0.0.1:4400 [--config lab.json] [--die-with-parent]

const settings = readLabArguments(process.argv.slice(2))
const overrides: SimulatorOverrides = settings.configFile === undefined ? {} : readOverrides(settings.configFile)
const lab = await startLab({
  ...overrides,
  seed: settings.seed,
  firstPort: settings.firstPort,
  ...(settings.target === undefined ? {} : { target: settings.target }),
})

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

const urls = Object.fromEntries(lab.simulators.map(({ name, url }) => [name, { url }]))
console.log(
  JSON.stringify({ ready: true, simulators: { ...urls, mail: { url: lab.mail.url, smtpUrl: lab.mail.smtpUrl } } }),
)

function readOverrides(file: string): SimulatorOverrides {
  const parsed: unknown = JSON.parse(readFileSync(file, "utf8"))
  if (typeof parsed !== "object" || parsed === null) throw new Error(`${file} must hold a JSON object`)
  // The file is written by whoever runs the lab; simulators ignore what they do not know.
  return parsed as SimulatorOverrides
}
