import { parseArgs } from "node:util"
import { AppError } from "../../base/errors.ts"
import { instant } from "../../base/time.ts"
import { loadEstate, tryConnection } from "../../main.ts"
import { connectApi } from "../api.ts"
import { momentOf, trialText } from "./try.ts"

const usage = "crossdock connections history <id> --since 2026-11-01 [--go]"

/** `crossdock connections history <id> --since T`: shows what the lists hold since then; with `--go` they are read from there on. */
export async function runHistory(args: string[]): Promise<number> {
  const options = { since: { type: "string" }, go: { type: "boolean", default: false } } as const
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options })
  const [connection] = positionals
  if (connection === undefined || values.since === undefined) throw new AppError("REQUEST_INVALID", `say: ${usage}`)
  const sinceMs = momentOf(values.since)
  if (!values.go) {
    const estate = await loadEstate()
    const trial = await tryConnection(estate, { connection, count: 1, sinceMs })
    const isReadable = trial.refusal === "" && trial.lists.every(({ problem }) => problem === undefined)
    process.stdout.write(`${await trialText(trial, estate)}\n${isReadable ? "To have it read, add --go.\n" : ""}`)
    return isReadable ? 0 : 4
  }
  const api = connectApi()
  try {
    const since = instant(sinceMs)
    const path = `/v1/connections/${encodeURIComponent(connection)}/history`
    const { lists } = await api.post<{ lists: string[] }>(path, { since })
    process.stdout.write(`the next poll reads ${lists.join(", ")} of ${connection} from ${since} on\n`)
    return 0
  } finally {
    api.close()
  }
}
