import { AppError } from "../../base/errors.ts"
import { moneyToDecimal } from "../../base/money.ts"
import { table } from "../table.ts"
import { withApi, word, type Page } from "../with-api.ts"

interface Operation {
  id: string
  kind: string
  state: string
  reason: string
  hash: string
  needsApproval?: string
  atRisk: { amountMinor: number; currency: string }[]
  refused: { id: string; why: string }[]
  total: number
  done: number
  skipped: number
  failed: number
  requestedBy: string
  requestedAt: string
  approvedBy?: string
  endsAt?: string
  endedWhy?: string
}

const options = {
  group: { type: "string" },
  day: { type: "string" },
  reason: { type: "string" },
  "per-second": { type: "string" },
} as const
const help =
  "say: crossdock operations decide <action> --group <id> --reason …, then run <id> | approve <id> | pause <id> | stop <id>"

/** `crossdock operations`: what people do to many exceptions at once. `decide` shows a preview; `run` starts it. */
export function runOperations(args: string[]): Promise<number> {
  return withApi(args, options, async (api, { values, positionals: [verb, ...rest] }) => {
    if (verb === undefined) {
      const page = await api.get<Page<Operation>>("/v1/operations")
      const row = (one: Operation) => [one.id, one.kind, one.state, progress(one), one.requestedBy, one.requestedAt]
      const head = ["operation", "kind", "state", "", "asked by", "at"]
      return { data: page, text: () => (page.items.length > 0 ? table(head, page.items.map(row)) : "there is none") }
    }
    const [id] = rest
    if (id === undefined) throw new AppError("REQUEST_INVALID", help)
    if (verb === "decide") {
      const pace = word(values["per-second"])
      const asked = {
        kind: "decide",
        spec: { action: rest.join(" "), group: word(values["group"]), day: word(values["day"]) },
        reason: word(values["reason"]) ?? "by command line",
        ...(pace === undefined ? {} : { perSecond: Number(pace) }),
      }
      const preview = await api.post<Operation>("/v1/operations", asked)
      return { data: preview, text: () => `${textOf(preview)}\n  start it: crossdock operations run ${preview.id}` }
    }
    const path = `/v1/operations/${encodeURIComponent(id)}`
    const operation = await act({ api, path, verb })
    return { data: operation, text: () => textOf(operation) }
  })
}

interface Acting {
  api: Parameters<Parameters<typeof withApi>[2]>[0]
  path: string
  verb: string
}

async function act({ api, path, verb }: Acting): Promise<Operation> {
  if (verb === "show") return api.get<Operation>(path)
  if (verb === "pause" || verb === "stop") return api.post<Operation>(`${path}/${verb}`, {})
  if (verb !== "run" && verb !== "approve") throw new AppError("REQUEST_INVALID", help)
  const { hash } = await api.get<Operation>(path)
  return api.post<Operation>(`${path}/${verb === "run" ? "run" : "approval"}`, { hash })
}

function progress({ total, done, skipped, failed, endsAt }: Operation): string {
  const rest = [skipped > 0 ? `${skipped} skipped` : "", failed > 0 ? `${failed} failed` : ""].filter(
    (text) => text !== "",
  )
  const end = endsAt === undefined ? "" : `, until ${endsAt.slice(11, 19)}Z`
  return `${done} of ${total}${rest.length > 0 ? `, ${rest.join(", ")}` : ""}${end}`
}

function textOf(operation: Operation): string {
  const { id, kind, state, atRisk, refused, needsApproval, approvedBy, endedWhy } = operation
  const money = atRisk.map((one) => `${moneyToDecimal(one)} ${one.currency}`).join(" + ")
  return [
    `${id}  ${kind}  ${state}${endedWhy === undefined ? "" : ` (${endedWhy})`}  ${progress(operation)}${money === "" ? "" : `  about ${money}`}`,
    ...(needsApproval === undefined
      ? []
      : [
          `  ${approvedBy === undefined ? `another person has to approve: ${needsApproval}` : `approved by ${approvedBy}`}`,
        ]),
    ...refused.slice(0, 5).map(({ id: one, why }) => `  left out: ${one}: ${why}`),
    ...(refused.length > 5 ? [`  … and ${refused.length - 5} more left out`] : []),
  ].join("\n")
}
