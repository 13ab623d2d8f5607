import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { dataFolder } from "../../base/config.ts"
import { AppError } from "../../base/errors.ts"
import { answerJson, createHttpClient } from "../../base/http.ts"
import { own } from "../../base/lookup.ts"
import { connectApi } from "../api.ts"
import { breaks, type DemoWorld } from "./breaks.ts"

const ordinaryDayFile = () => join(dataFolder(), "demo.json")

/** For `demo break` and `demo mend`, which are processes of their own. */
export function rememberOrdinaryDay(day: DemoWorld["ordinary"]): void {
  writeFileSync(ordinaryDayFile(), JSON.stringify(day))
}

/** `crossdock demo break <what>`: something goes wrong in the running demo, as it does in real estates. */
export async function runBreak(args: string[]): Promise<number> {
  const [name] = args
  const found = name === undefined ? undefined : own(breaks, name)
  if (!found) throw new AppError("REQUEST_INVALID", `say what to break:\n${help()}`)
  await withWorld(async (world) => say(await found.begin(world)))
  return 0
}

/** `crossdock demo mend [what]`: the outside world is right again. What Crossdock asks people is left for them. */
export async function runMend(args: string[]): Promise<number> {
  const [name] = args
  if (name !== undefined && !own(breaks, name)) throw new AppError("REQUEST_INVALID", `there is:\n${help()}`)
  const chosen = name === undefined ? Object.keys(breaks) : [name]
  await withWorld(async (world) => {
    for (const one of chosen) await own(breaks, one)?.end(world)
  })
  say(`Mended: ${chosen.join(", ")}. What Crossdock has asked people meanwhile is theirs to decide, in the console.`)
  return 0
}

const help = () =>
  Object.entries(breaks)
    .map(([name, { what }]) => `  ${name.padEnd(8)} ${what}`)
    .join("\n")

const say = (text: string) => void process.stdout.write(`${text}\n`)

async function withWorld(work: (world: DemoWorld) => Promise<unknown>): Promise<void> {
  const addresses = readLeft<Record<string, string>>(join(dataFolder(), "lab.json"))
  const api = connectApi()
  try {
    await work({
      api,
      ordinary: readLeft(ordinaryDayFile()),
      lab: (simulator, what, body) => control(addresses[simulator] ?? "", what, body),
    })
  } finally {
    api.close()
  }
}

/** What the running demo left in the data folder. */
function readLeft<Left>(file: string): Left {
  if (!existsSync(file))
    throw new AppError("CONFIG_INVALID", `no demo runs here: ${file} is missing. \`npm start\` starts one.`)
  return JSON.parse(readFileSync(file, "utf8")) as Left
}

/** Calls a control of a simulator, named by method and path. */
export async function control(baseUrl: string, what: string, body: object): Promise<unknown> {
  const [method = "", path = ""] = what.split(" ")
  const client = createHttpClient({ baseUrl, timeoutMs: 30_000, allowPrivateNetwork: true })
  try {
    const headers = { "content-type": "application/json" }
    return answerJson(await client.send({ method: method as "PUT", path, headers, body: JSON.stringify(body) }))
  } finally {
    client.close()
  }
}
