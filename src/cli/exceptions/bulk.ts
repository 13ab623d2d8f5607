import { AppError } from "../../base/errors.ts"
import { moneyToDecimal } from "../../base/money.ts"
import { table } from "../table.ts"
import { withApi, word, type Page } from "../with-api.ts"

interface Kind {
  name: string
  does: string
  allowed: boolean
  reason?: string
  asksFor: { name: string; says: string; takes: string; choices?: string[]; isNeeded: boolean }[]
}

interface Operation {
  id: string
  kind: string
  state: string
  reason: string
  hash: string
  needsApproval?: string
  atRisk: { amountMinor: number; currency: string }[]
  says: string[]
  perSecond: number
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
  reason: { type: "string" },
  "per-second": { type: "string" },
  group: { type: "string" },
  day: { type: "string" },
} as const
const help = [
  "say: crossdock operations kinds",
  "     crossdock operations preview <kind> [name=value …] --reason … [--per-second N]",
  "     crossdock operations decide <action> --group <id> [--day D] --reason …",
  "     crossdock operations run | approve | pause | stop | show | members <id>, or pace <id> <members a second>",
].join("\n")

/** `crossdock operations`: what people do to many objects at once. `preview` and `decide` show what would happen; `run` starts it. */
export function runOperations(args: string[]): Promise<number> {
  return withApi(args, options, async (api, { values, positionals: [verb, ...rest] }) => {
    if (verb === undefined) {
      const page = await api.get<Page<Operation>>("/v1/operations")
      const row = (one: Operation) => [one.id, one.kind, one.state, progress(one), one.requestedBy, one.requestedAt]
      const head = ["operation", "kind", "state", "", "asked by", "at"]
      return { data: page, text: () => (page.items.length > 0 ? table(head, page.items.map(row)) : "there is none") }
    }
    if (verb === "kinds") {
      const kinds = await api.get<Page<Kind>>("/v1/operation-kinds")
      return { data: kinds, text: () => kinds.items.map(kindText).join("\n") }
    }
    if (rest[0] === undefined) throw new AppError("REQUEST_INVALID", help)
    if (verb === "decide" || verb === "preview") {
      const pace = word(values["per-second"])
      const asked = {
        ...(verb === "decide" ? decided(rest, values) : await specOf(api, rest)),
        reason: word(values["reason"]) ?? "by command line",
        ...(pace === undefined ? {} : { perSecond: Number(pace) }),
      }
      const preview = await api.post<Operation>("/v1/operations", asked)
      return { data: preview, text: () => `${textOf(preview)}\n  start it: crossdock operations run ${preview.id}` }
    }
    return acted(api, verb, rest)
  })
}

type Api = Parameters<Parameters<typeof withApi>[2]>[0]

function decided(words: readonly string[], values: Record<string, string | boolean | undefined>) {
  const spec = { action: words.join(" "), group: word(values["group"]), day: word(values["day"]) }
  return { kind: "decide", spec }
}

/** `retry from="first step" group=grp_…`: the words before the first `name=value` are the kind. */
async function specOf(api: Api, words: readonly string[]): Promise<{ kind: string; spec: object }> {
  const at = words.findIndex((one) => one.includes("="))
  const kind = words.slice(0, at === -1 ? undefined : at).join(" ")
  const { items } = await api.get<Page<Kind>>("/v1/operation-kinds")
  const known = items.find(({ name }) => name === kind)
  if (!known) throw new AppError("REQUEST_INVALID", `"${kind}" is none of ${items.map(({ name }) => name).join(", ")}`)
  const pairs = words.slice(at === -1 ? words.length : at).map((one) => {
    const [name = "", ...value] = one.split("=")
    const takes = known.asksFor.find((ask) => ask.name === name)?.takes
    const text = value.join("=")
    return [name, takes === "list" ? text.split(",") : takes === "number" ? Number(text) : text] as const
  })
  return { kind, spec: Object.fromEntries(pairs) }
}

async function acted(api: Api, verb: string, [id = "", perSecond]: readonly string[]) {
  const path = `/v1/operations/${encodeURIComponent(id)}`
  if (verb === "members") {
    const page = await api.get<Page<{ about: string; outcome: string | null; reason: string | null }>>(
      `${path}/members`,
    )
    const row = (one: (typeof page.items)[number]) => [one.outcome ?? "-", one.about, one.reason ?? ""]
    return { data: page, text: () => table(["", "what", "why"], page.items.map(row)) }
  }
  const operation =
    verb === "pace"
      ? await api.post<Operation>(`${path}/pace`, { perSecond: Number(perSecond) })
      : await act({ api, path, verb })
  return { data: operation, text: () => textOf(operation) }
}

function kindText({ name, does, allowed, reason, asksFor }: Kind): string {
  const asks = asksFor.map(({ name: ask, says, choices, isNeeded }) => {
    const values = choices ? ` (${choices.join(" | ")})` : ""
    return `    ${isNeeded ? ask : `[${ask}]`}  ${says}${values}`
  })
  return [`${name}: ${does}${allowed ? "" : `; ${reason ?? "not allowed"}`}`, ...asks].join("\n")
}

interface Acting {
  api: Api
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

function progress({ total, done, skipped, failed, endsAt, perSecond }: Operation): string {
  const rest = [skipped > 0 ? `${skipped} skipped` : "", failed > 0 ? `${failed} failed` : ""].filter(
    (text) => text !== "",
  )
  const end = endsAt === undefined ? "" : `, ${perSecond} a second, until ${endsAt.slice(11, 19)}Z`
  return `${done} of ${total}${rest.length > 0 ? `, ${rest.join(", ")}` : ""}${end}`
}

function textOf(operation: Operation): string {
  const { id, kind, state, atRisk, says, refused, needsApproval, approvedBy, endedWhy } = operation
  const money = atRisk.map((one) => `${moneyToDecimal(one)} ${one.currency}`).join(" + ")
  return [
    `${id}  ${kind}  ${state}${endedWhy === undefined ? "" : ` (${endedWhy})`}  ${progress(operation)}${money === "" ? "" : `  about ${money}`}`,
    ...says.map((sentence) => `  ${sentence}`),
    ...(needsApproval === undefined
      ? []
      : [
          `  ${approvedBy === undefined ? `another person has to approve: ${needsApproval}` : `approved by ${approvedBy}`}`,
        ]),
    ...refused.slice(0, 5).map(({ id: one, why }) => `  left out: ${one}: ${why}`),
    ...(refused.length > 5 ? [`  … and ${refused.length - 5} more left out`] : []),
  ].join("\n")
}
