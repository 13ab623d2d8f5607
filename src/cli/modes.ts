import { AppError } from "../base/errors.ts"
import { moneyToDecimal } from "../base/money.ts"
import { durationText } from "../base/time.ts"
import { table } from "./table.ts"
import { withApi, word } from "./with-api.ts"

interface Mode {
  name: string
  connection: string
  state: string
  since?: string
  because?: string
  by?: string
  waiting: number
  perMinute?: number
  drainsForMs?: number
  accepts: string[]
  defers: string[]
  buyersAreTold?: Record<string, string>
  owner: string
  runbooks: string[]
  episodes?: Episode[]
  next?: number
}

interface Episode {
  episode: number
  state: string
  because: string
  enteredBy: string
  enteredAt: string
  leftAt?: string
  mostWaiting: number
  report?: {
    lastedMs: number
    drainedMs: number
    orders: {
      accepted: number
      money: { amountMinor: number; currency: string }[]
      ended: number
      goingOn: number
      withAPerson: number
      unaccounted: number
    }
    exceptions: { opened: number; open: number }
  }
}

const options = { reason: { type: "string" }, before: { type: "string" } } as const
const usage =
  "say: crossdock modes [show <name> | enter <name> --reason R | leave <name> --reason R | runbook <name> it|store]"

/** `crossdock modes`: what is done while a system is away or slow, entering and leaving it, exit reports and runbooks. */
export function runModes(args: string[]): Promise<number> {
  return withApi(args, options, async (api, { values, positionals: [act, name, reader] }) => {
    if (act === undefined) {
      const list = await api.get<{ items: Mode[] }>("/v1/modes")
      return { data: list, text: () => listText(list.items) }
    }
    if (name === undefined) throw new AppError("REQUEST_INVALID", usage)
    const path = `/v1/modes/${encodeURIComponent(name)}`
    if (act === "show") {
      const mode = await api.get<Mode>(path, { before: word(values["before"]) })
      return { data: mode, text: () => modeText(mode) }
    }
    if (act === "runbook") {
      const runbook = await api.get<{ text?: string; url?: string }>(`${path}/runbooks/${reader ?? "it"}`)
      return { data: runbook, text: () => runbook.text ?? runbook.url ?? "" }
    }
    const reason = word(values["reason"])
    if ((act !== "enter" && act !== "leave") || reason === undefined) throw new AppError("REQUEST_INVALID", usage)
    const mode = await api.post<Mode>(`${path}/${act}`, { reason })
    return { data: mode, text: () => modeText(mode) }
  })
}

function listText(modes: readonly Mode[]): string {
  if (modes.length === 0) return "the estate has no modes: policies.modes (docs/guides/modes.md)"
  const rows = modes.map(({ name, connection, state, since, waiting, owner, because }) => [
    name,
    connection,
    state,
    since ?? "",
    String(waiting),
    owner,
    because ?? "",
  ])
  return table(["mode", "system", "state", "since", "waiting", "owner", "because"], rows)
}

function modeText(mode: Mode): string {
  const { name, connection, state, because, by, accepts, defers, buyersAreTold = {}, runbooks, episodes = [] } = mode
  return [
    `${name} (${connection}): ${state}${because === undefined ? "" : `, because ${because}; by ${by ?? "crossdock"}`}`,
    `goes on   ${accepts.join(", ") || "nothing is said"}`,
    `waits     ${defers.join(", ") || "nothing is said"}; now ${mode.waiting}${paceText(mode)}`,
    ...Object.entries(buyersAreTold).map(([language, text]) => `buyers    ${language}: ${text}`),
    ...(runbooks.length > 0
      ? [`runbooks  ${runbooks.map((reader) => `crossdock modes runbook "${name}" ${reader}`).join("; ")}`]
      : []),
    ...episodes.flatMap(episodeLines),
    ...(mode.next === undefined ? [] : [`earlier ones: --before ${mode.next}`]),
  ].join("\n")
}

function paceText({ perMinute, drainsForMs }: Mode): string {
  if (perMinute === undefined) return ""
  return `; ${perMinute} a minute on the way back${drainsForMs === undefined ? "" : `, done in ${durationText(drainsForMs)}`}`
}

function episodeLines({ episode, enteredAt, enteredBy, leftAt, mostWaiting, because, report }: Episode): string[] {
  const head = `${episode}  ${enteredAt} – ${leftAt ?? "now"}, entered by ${enteredBy}; at most ${mostWaiting} waited`
  if (!report) return ["", head, `   ${because}`]
  const { lastedMs, drainedMs, orders, exceptions } = report
  const money = orders.money.map(
    ({ amountMinor, currency }) => `${moneyToDecimal({ amountMinor, currency })} ${currency}`,
  )
  return [
    "",
    head,
    `   lasted ${durationText(lastedMs)}, of that ${durationText(drainedMs)} until all that had waited was done`,
    `   ${orders.accepted} orders accepted${money.length > 0 ? ` (${money.join(", ")})` : ""}: ${orders.ended} ended, ${orders.goingOn} go on, ${orders.withAPerson} with a person, ${orders.unaccounted} unaccounted for`,
    `   ${exceptions.opened} exceptions opened, ${exceptions.open} of them open`,
  ]
}
