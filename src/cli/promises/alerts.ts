import { AppError } from "../../base/errors.ts"
import { moneyText, type Money } from "../../base/money.ts"
import { table } from "../table.ts"
import { needed, pageOf, pageText, withApi, withoutCursor, word, type Page } from "../with-api.ts"
import type { Api } from "../api.ts"

interface Alert {
  id: string
  rule: string
  state: string
  severity: string
  owner: string
  title: string
  detail: string[]
  count: number
  counted: string
  money: Money[]
  since: string
  level: number
  toldAt?: string
  acknowledged?: { by: string; until: string }
  held?: string
  runbook?: string
  ifNobodyActs: string
  notices?: { kind: string; receiver: string; state: string; createdAt: string; sentAt?: string; error?: string }[]
}

interface Receiver {
  name: string
  kind: string
  tells: string[]
  waiting: number
  sentAt?: string
  failingSince?: string
  lastError?: string
}

const options = { state: { type: "string" }, minutes: { type: "string" } } as const

/** `crossdock alerts`: what people are told of, who answered, and whether it reaches them. */
export function runAlerts(args: string[]): Promise<number> {
  return withApi(args, options, async (api, { values, positionals: [act, ...rest] }) => {
    switch (act) {
      case undefined: {
        const query = { ...pageOf(values), state: word(values["state"]) ?? "open" }
        const page = await api.get<Page<Alert>>("/v1/alerts", query)
        const list = { command: ["alerts", ...withoutCursor(args)], path: "/v1/alerts", query, page }
        return {
          data: page,
          text: () => pageText(api, { ...list, text: alertsText, none: "nothing is wrong that people are told of" }),
        }
      }
      case "show": {
        const alert = await api.get<Alert>(
          `/v1/alerts/${encodeURIComponent(needed(rest, "crossdock alerts show <id>"))}`,
        )
        return { data: alert, text: () => alertText(alert) }
      }
      case "acknowledge":
        return acknowledge(
          api,
          needed(rest, "crossdock alerts acknowledge <id> [--minutes N]"),
          word(values["minutes"]),
        )
      case "receivers": {
        const list = await api.get<{ items: Receiver[] }>("/v1/alert-receivers")
        return { data: list, text: () => receiversText(list.items) }
      }
      case "test":
        return test(api, needed(rest, "crossdock alerts test <receiver>"))
      default:
        throw new AppError(
          "REQUEST_INVALID",
          `there is no act "${act}"; say crossdock alerts [show <id> | acknowledge <id> | receivers | test <receiver>]`,
        )
    }
  })
}

async function acknowledge(api: Api, id: string, minutes: string | undefined) {
  const body = minutes === undefined ? {} : { forMinutes: Number(minutes) }
  const alert = await api.post<Alert>(`/v1/alerts/${encodeURIComponent(id)}/acknowledgement`, body)
  return { data: alert, text: () => alertText(alert) }
}

async function test(api: Api, receiver: string) {
  const result = await api.post<{ isTaken: boolean; error?: string }>("/v1/alerts/test", { receiver })
  if (!result.isTaken)
    throw new AppError("REQUEST_INVALID", `${receiver} did not take it: ${result.error ?? "no reason"}`)
  return { data: result, text: () => `${receiver} has it` }
}

const figures = ({ count, counted, money }: Alert) =>
  `${count} ${counted}${money.length === 0 ? "" : `, ${money.map(moneyText).join(" + ")}`}`

const told = ["owner", "stand-in", "everybody"]

function alertsText(items: readonly Alert[]): string {
  const rows = items.map((alert) => [
    alert.id,
    alert.severity,
    alert.owner,
    alert.held === undefined
      ? alert.acknowledged
        ? `with ${alert.acknowledged.by}`
        : (told[alert.level] ?? "")
      : "held",
    alert.since.slice(0, 16),
    alert.title,
    figures(alert),
  ])
  return table(["alert", "class", "owner", "told", "since", "what", "how much"], rows)
}

function alertText(alert: Alert): string {
  const {
    id,
    rule,
    state,
    severity,
    owner,
    title,
    detail,
    since,
    acknowledged,
    held,
    runbook,
    ifNobodyActs,
    notices = [],
  } = alert
  const rows = notices.map(({ kind, receiver, state: became, createdAt, sentAt, error }) => [
    createdAt.slice(0, 19),
    kind,
    receiver,
    became,
    sentAt?.slice(0, 19) ?? "",
    error ?? "",
  ])
  return [
    `${id}  ${state}  ${severity}, ${rule}, owner ${owner}`,
    `  ${title}`,
    `  ${figures(alert)}, since ${since}`,
    ...detail.map((line) => `  ${line}`),
    ...(held === undefined ? [] : [`  told to nobody: ${held}`]),
    ...(acknowledged === undefined ? [] : [`  with ${acknowledged.by} until ${acknowledged.until}`]),
    `  if nobody acts: ${ifNobodyActs}`,
    ...(runbook === undefined ? [] : [`  what to do: ${runbook}`]),
    ...(rows.length === 0 ? [] : ["", table(["notice", "why", "to", "state", "sent", "error"], rows)]),
  ].join("\n")
}

function receiversText(items: readonly Receiver[]): string {
  if (items.length === 0)
    return "alerts are only shown: policies.alerts.receivers of crossdock.config.ts names no way to people"
  const rows = items.map(({ name, kind, tells, waiting, sentAt, failingSince, lastError }) => [
    name,
    kind,
    tells.join(", "),
    String(waiting),
    sentAt?.slice(0, 19) ?? "never",
    failingSince === undefined ? "ok" : `fails since ${failingSince.slice(0, 19)}: ${lastError ?? ""}`,
  ])
  return table(["receiver", "kind", "tells", "waiting", "last sent", "state"], rows)
}
