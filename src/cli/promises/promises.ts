import { moneyText, type Money } from "../../base/money.ts"
import { durationMs, durationText, type Duration } from "../../base/time.ts"
import { table } from "../table.ts"
import { pageOf, pageText, withApi, withoutCursor, type Page } from "../with-api.ts"

interface Scope {
  scopeText: string
  n: number
  bad: number
  burn: number
  says: string
  why?: string
  money: Money[]
}

interface Promised {
  name: string
  target: number
  within?: Duration
  by?: string
  owner?: string
  open: number
  atRisk: number
  overdue: number
  says: string
  scopes: Scope[]
}

interface Missed {
  subject: string
  orderId?: string
  channel?: string
  store?: string
  method?: string
  money?: Money
  dueAt: string
  endedAt?: string
}

interface Gate {
  wait: boolean
  reasons: string[]
  days: number
  budgets: { promise: string; target: number; n: number; bad: number; allowed: number; spent: number }[]
}

const gateClosed = 4

/** `crossdock promises`: how promises are kept; with a name, by scope and what was missed; `--gate` for releases. */
export async function runPromises(args: string[]): Promise<number> {
  if (args.includes("--gate")) return runGate(args)
  return withApi(args, {}, async (api, { values, positionals }) => {
    const name = positionals.join(" ")
    if (name === "") {
      const list = await api.get<{ items: Promised[] }>("/v1/promises")
      return { data: list, text: () => listText(list.items) }
    }
    const path = `/v1/promises/${encodeURIComponent(name)}`
    const promise = await api.get<Promised>(path)
    const query = pageOf(values)
    const page = await api.get<Page<Missed>>(`${path}/missed`, query)
    const missed = { command: ["promises", ...withoutCursor(args)], path: `${path}/missed`, query, page }
    return {
      data: { ...promise, missed: page },
      text: async () => {
        const below = await pageText(api, { ...missed, text: missedText, none: "nothing was missed" })
        return [listText([promise]), "", scopesText(promise.scopes), "", below].join("\n")
      },
    }
  })
}

async function runGate(args: string[]): Promise<number> {
  let isOpen = true
  const code = await withApi(args, { gate: { type: "boolean", default: false } }, async (api) => {
    const gate = await api.get<Gate>("/v1/promise-budget")
    isOpen = !gate.wait
    return { data: gate, text: () => gateText(gate) }
  })
  return isOpen ? code : gateClosed
}

function gateText({ wait, reasons, days, budgets }: Gate): string {
  const rows = budgets.map(({ promise, target, n, bad, allowed, spent }) => [
    promise,
    percent(target),
    String(n),
    `${bad} of ${Math.floor(allowed)}`,
    `${Math.round(spent * 100)} %`,
  ])
  const verdict = wait ? ["wait with risky changes:", ...reasons.map((reason) => `  ${reason}`)] : ["go ahead"]
  return [
    table(["promise", "target", `finished in ${days} days`, "missed, of allowed", "used"], rows),
    ...verdict,
  ].join("\n")
}

const percent = (share: number) => `${Number((share * 100).toFixed(2))} %`

function listText(promises: readonly Promised[]): string {
  if (promises.length === 0) return "the estate makes no promises: policies.promises of crossdock.config.ts"
  const rows = promises.map(
    ({ name, target, within, by, open, atRisk, overdue, says, scopes, owner = "operations" }) => [
      name,
      within === undefined ? `by ${by ?? ""}` : durationText(durationMs(within)),
      percent(target),
      String(open),
      `${atRisk} (${overdue} overdue)`,
      scopes[0] === undefined ? "–" : `${scopes[0].bad} of ${scopes[0].n}`,
      scopes[0] === undefined ? "–" : scopes[0].burn.toFixed(1),
      owner,
      says === "page" ? `is being missed: ${scopes[0]?.scopeText ?? ""}` : says,
    ],
  )
  return table(["promise", "in", "target", "open", "at risk", "missed", "burn", "owner", "says"], rows)
}

function scopesText(scopes: readonly Scope[]): string {
  const rows = scopes.map(({ scopeText, n, bad, burn, says, why, money }) => [
    scopeText,
    `${bad} of ${n}`,
    burn.toFixed(1),
    money.map(moneyText).join(" + "),
    why === undefined ? says : `${says}: ${why}`,
  ])
  return table(["judged apart", "missed", "burn", "money", "says"], rows)
}

function missedText(items: readonly Missed[]): string {
  const rows = items.map(({ subject, orderId, channel, store, method, money, dueAt, endedAt }) => [
    orderId ?? subject,
    channel ?? "",
    store ?? "",
    method ?? "",
    money ? moneyText(money) : "",
    dueAt.slice(0, 19),
    endedAt === undefined ? "not yet" : endedAt.slice(0, 19),
  ])
  return table(["missed", "channel", "store", "paid by", "money", "due", "came true"], rows)
}
