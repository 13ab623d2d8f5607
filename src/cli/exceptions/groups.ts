import { AppError } from "../../base/errors.ts"
import { moneyToDecimal } from "../../base/money.ts"
import { withApi, word } from "../with-api.ts"

interface Group {
  id: string
  because: { kind: string; connection?: string; operation?: string; code?: string; field?: string; value?: string }
  cause: string
  summary: string
  ifNobodyActs: string
  open: number
  orders: number
  atRisk: { amountMinor: number; currency: string }[]
  dueAt?: string
  dueWhat?: string
  firstAt: string
  owner: string
  state: string
  assignee?: string
  cameBack: boolean
  score: { total: number }
}

const options = {
  sort: { type: "string" },
  owner: { type: "string" },
  kind: { type: "string" },
  connection: { type: "string" },
  channel: { type: "string" },
  state: { type: "string" },
  to: { type: "string" },
  until: { type: "string" },
  minutes: { type: "string" },
  text: { type: "string" },
  into: { type: "string" },
  by: { type: "string" },
  reason: { type: "string" },
} as const

/** `crossdock groups`: open exceptions by cause, and what people do with a group besides deciding its cases. */
export function runGroups(args: string[]): Promise<number> {
  return withApi(args, options, async (api, { values, positionals: [act, id] }) => {
    if (act === "rules" || act === "merge" || act === "split" || act === "undo")
      return runRules(api, { act, id, values })
    if (act !== undefined) {
      if (id === undefined)
        throw new AppError(
          "REQUEST_INVALID",
          "say: crossdock groups assign <id> --to <who> | acknowledge <id> [--minutes N] | snooze <id> --until T | wake <id> | comment <id> --text … | merge <id> --into <id> --reason … | split <id> --by <field> --reason … | rules | undo <rule>",
        )
      const minutes = word(values["minutes"])
      const body = {
        act,
        to: word(values["to"]),
        until: word(values["until"]),
        text: word(values["text"]),
        ...(minutes === undefined ? {} : { forMinutes: Number(minutes) }),
      }
      const group = await api.post<Group>(`/v1/exception-groups/${encodeURIComponent(id)}/acts`, body)
      return { data: group, text: () => groupText(group) }
    }
    const filter = (name: "sort" | "owner" | "kind" | "connection" | "channel" | "state") => word(values[name])
    const list = await api.get<{ items: Group[]; hasMore: boolean }>("/v1/exception-groups", {
      sort: filter("sort"),
      owner: filter("owner"),
      kind: filter("kind"),
      connection: filter("connection"),
      channel: filter("channel"),
      state: filter("state"),
    })
    return {
      data: list,
      text: () => (list.items.length > 0 ? list.items.map(groupText).join("\n") : "nothing needs a person"),
    }
  })
}

interface Rule {
  id: number
  kind: "merge" | "split"
  group: string
  into?: string
  by?: string
  reason: string
  madeBy: string
  madeAt: string
  undone?: { by: string; at: string }
}

/** Merging and splitting: rules that hold for later cases too. */
async function runRules(
  api: Parameters<Parameters<typeof withApi>[2]>[0],
  { act, id, values }: { act: string; id: string | undefined; values: Record<string, string | boolean | undefined> },
) {
  if (act === "rules") {
    const list = await api.get<{ items: Rule[] }>("/v1/exception-group-rules")
    return { data: list, text: () => list.items.map(ruleText).join("\n") || "no group was merged or split" }
  }
  if (id === undefined) throw new AppError("REQUEST_INVALID", "say which group, or which rule to undo")
  const path = act === "undo" ? `/v1/exception-group-rules/${id}/undo` : `/v1/exception-groups/${id}/${act}`
  const said = act === "merge" ? { into: word(values["into"]) } : { by: word(values["by"]) }
  const body = act === "undo" ? undefined : { ...said, reason: word(values["reason"]) ?? "by command line" }
  const rule = await api.post<Rule>(path, body)
  return { data: rule, text: () => ruleText(rule) }
}

function ruleText({ id, kind, group, into, by, reason, madeBy, madeAt, undone }: Rule): string {
  const what = kind === "merge" ? `${group} is merged into ${into ?? ""}` : `${group} is split by ${by ?? ""}`
  const end = undone === undefined ? "" : `; undone by ${undone.by} at ${undone.at}`
  return `${id}  ${what} by ${madeBy} at ${madeAt} because ${reason}${end}`
}

function groupText(group: Group): string {
  const { because, open, orders, atRisk, owner, state, assignee, score } = group
  const risk = atRisk.map((money) => `${moneyToDecimal(money)} ${money.currency}`).join(" + ")
  const { connection, operation, code, field, value } = because
  const words = [connection, operation === group.cause ? undefined : operation, code, field, value].filter(
    (text) => text !== undefined,
  )
  return [
    `${group.id}  [${assignee ?? owner}]  ${state}${group.cameBack ? ", came back" : ""}  score ${score.total}  since ${group.firstAt.slice(0, 19)}Z`,
    `  ${[`${because.kind}: ${group.cause}`, ...words].join(" · ")}`,
    `  ${open} open, ${orders} ${orders === 1 ? "order" : "orders"}${risk === "" ? "" : `, at risk ${risk}`}${group.dueAt === undefined ? "" : `; ${group.dueWhat ?? "due"} at ${group.dueAt}`}`,
    `  latest: ${group.summary}`,
    `  if nobody acts: ${group.ifNobodyActs}`,
  ].join("\n")
}
