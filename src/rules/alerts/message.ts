import { moneyText } from "../../base/money.ts"
import { cut } from "../../base/text.ts"
import { durationText, epochMs } from "../../base/time.ts"
import type { Condition } from "./condition.ts"
import type { NoticeKind } from "./thread.ts"

/** What people are told, whatever the way. */
export interface Message {
  /** The same at every attempt: whoever gets a notice twice can tell. */
  id: string
  /** Notices of one thread belong together; absent for tests, heartbeats and ends of silences. */
  thread?: string
  kind: NoticeKind | "test" | "heartbeat" | "silence ends"
  severity?: "page" | "notice"
  title: string
  /** A line each. */
  lines: string[]
  /** For people to open. */
  url?: string
  runbook?: string
  at: string
  /** The same as data. */
  data?: object
}

const said: Readonly<Record<NoticeKind, string>> = {
  opened: "",
  changed: "Changed: ",
  reminder: "Still: ",
  escalated: "Nobody answered: ",
  resolved: "Over: ",
}

const saidOf = (kind: NoticeKind) => new Map(Object.entries(said)).get(kind) ?? ""

/** What a notice of a thread says: what, how many, how much money, since when, who owns it, what to do and what follows otherwise. */
export function messageOf(
  {
    id,
    thread,
    kind,
    condition,
    at,
  }: { id: string; thread: string; kind: NoticeKind; condition: Condition; at: string },
  { consoleUrl }: { consoleUrl: string },
): Message {
  const { title, detail, count, counted, money, since, owner, runbook, ifNobodyActs, severity, path } = condition
  const amounts = money.map(moneyText).join(", ")
  const lasted = durationText(epochMs(at) - epochMs(since))
  const lines =
    kind === "resolved"
      ? [`It lasted ${lasted}; at its last look ${count} ${counted}${amounts === "" ? "" : `, ${amounts}`}.`]
      : [
          `${count} ${counted}${amounts === "" ? "" : `; money: ${amounts}`}`,
          ...detail,
          `Since ${since.slice(0, 16).replace("T", " ")} UTC, for ${lasted}. Owner: ${owner}.`,
          `If nobody acts: ${ifNobodyActs}.`,
        ]
  return {
    id,
    thread,
    kind,
    severity,
    title: cut(`${saidOf(kind)}${title}`, 200),
    lines: lines.map((line) => cut(line, 500)),
    url: `${consoleUrl}${path}`,
    ...(runbook === undefined ? {} : { runbook }),
    at,
    data: {
      key: condition.key,
      rule: condition.rule,
      ...condition.subject,
      count,
      counted,
      money,
      since,
      owner,
      ifNobodyActs,
    },
  }
}

/** A message as plain text: mail. */
export function plainText({ lines, url, runbook, id, thread, at }: Message): string {
  const foot = [`Notice ${id}${thread === undefined ? "" : ` of ${thread}`}, ${at}`]
  const links = [...(url === undefined ? [] : [url]), ...(runbook === undefined ? [] : [`What to do: ${runbook}`])]
  return [...lines, "", ...links, "", ...foot].join("\n")
}

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

/**
 * A message as Slack's incoming webhooks take it (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks, read 2026-11): a
 * text for notifications and blocks for the channel. Header 150 characters, section 3,000.
 */
export function slackBody({ title, lines, url, runbook, id, kind, severity }: Message): object {
  const links = [
    ...(url === undefined ? [] : [`<${escaped(url)}|Open in Crossdock>`]),
    ...(runbook === undefined
      ? []
      : [/^https?:/.test(runbook) ? `<${escaped(runbook)}|Runbook>` : `Runbook: ${escaped(runbook)}`]),
  ]
  const sections = [lines.map(escaped).join("\n"), links.join(" · ")].filter((text) => text !== "")
  return {
    text: cut(escaped(title), 300),
    blocks: [
      { type: "header", text: { type: "plain_text", text: cut(title, 150) } },
      ...sections.map((text) => ({ type: "section", text: { type: "mrkdwn", text: cut(text, 3000) } })),
      {
        type: "context",
        elements: [
          { type: "mrkdwn", text: escaped([kind, severity, id].filter((part) => part !== undefined).join(" · ")) },
        ],
      },
    ],
  }
}
