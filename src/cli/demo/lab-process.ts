import { spawn, type ChildProcess } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { childEnvironment, dataFolder } from "../../base/config.ts"
import { AppError } from "../../base/errors.ts"

const labProgram = fileURLToPath(new URL("../../../lab/main.ts", import.meta.url))
// The lab has its own process and little to do: a smaller space for young objects saves 25 MB that V8 would keep.
const memoryFlags = ["--max-semi-space-size=4"]

/** A lab in a process of its own, and what it printed when it was ready. */
export interface LabProcess {
  child: ChildProcess
  /** Addresses of its simulators. */
  urls: Record<string, { url: string; smtpUrl?: string }>
  /** 1 for the first lab that kept its state in this folder, one more with every start. */
  run: number
  /** Orders that its shop had at the start. */
  ordersBefore: number
}

interface Ready {
  simulators: LabProcess["urls"]
  state: { run: number; found: Record<string, number> }
}

/** Where the simulators keep what they know: beside Crossdock's data, so that both begin anew together. */
export function labFolder(): string {
  return join(dataFolder(), "lab")
}

/** Starts the lab; it ends when this process does, however that ends. */
export async function startLabProcess(seed: string): Promise<LabProcess> {
  const args = [
    ...memoryFlags,
    labProgram,
    "--seed",
    seed,
    "--state",
    labFolder(),
    "--die-with-parent",
    "--tell-of-stock",
  ]
  const child = spawn(process.execPath, args, {
    stdio: ["pipe", "pipe", "inherit"],
    // Compiled code is kept for the next start: that start is faster, and needs no TypeScript compiler in memory.
    env: childEnvironment({ NODE_COMPILE_CACHE: join(dataFolder(), "compile-cache") }),
  })
  const line = await new Promise<string>((resolve, reject) => {
    let text = ""
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8")
      if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")))
    })
    child.once("error", reject)
    // Its own message is on stderr already.
    child.once("exit", (code) => reject(new AppError("CONFIG_INVALID", `the lab ended with code ${code ?? "none"}`)))
  })
  // lab/main.ts prints it so.
  const { simulators, state } = JSON.parse(line) as Ready
  return { child, urls: simulators, run: state.run, ordersBefore: state.found["shopify/orders"] ?? 0 }
}

/** What the lab of a running demo left in the data folder, so that other commands find its estate. */
export function restoreLabAddresses(set: (value: string) => void): void {
  const file = join(dataFolder(), "lab.json")
  if (existsSync(file)) set(readFileSync(file, "utf8"))
}
