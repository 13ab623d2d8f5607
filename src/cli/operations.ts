import { AppError } from "../base/errors.ts"
import { moneyToDecimal } from "../base/money.ts"
import { clockText, table } from "./table.ts"
import { pageOf, pageText, withApi, withoutCursor, word, type Page } from "./with-api.ts"

interface EffectItem {
  key: string
  step: string
  connection: string
  operation: string
  outcome: string
  attempts: number
  probes: number
  intentAt: string
  reference?: { id: string }
  error?: { message: string }
}

/** `crossdock effects [--outcome O] [--connection C]`: intents to change other systems, newest first. */
export function runEffects(args: string[]): Promise<number> {
  return withApi(
    args,
    { outcome: { type: "string" }, connection: { type: "string" }, key: { type: "string" } },
    async (api, { values }) => {
      const path = "/v1/effects"
      const query = {
        outcome: word(values["outcome"]),
        connection: word(values["connection"]),
        key: word(values["key"]),
      }
      const page = await api.get<Page<EffectItem>>(path, { ...query, ...pageOf(values) })
      const row = (effect: EffectItem) => [
        clockText(effect.intentAt),
        effect.key,
        effect.connection,
        effect.step,
        effect.outcome,
        String(effect.attempts),
        String(effect.probes),
        effect.reference?.id ?? effect.error?.message ?? "",
      ]
      return {
        data: page,
        text: () =>
          pageText(api, {
            command: ["effects", ...withoutCursor(args)],
            path,
            query,
            page,
            text: (items) =>
              table(["time", "order", "connection", "step", "outcome", "attempts", "probes", ""], items.map(row)),
            none: "no effects",
          }),
      }
    },
  )
}

interface ExceptionItem {
  id: string
  state: string
  owner: string
  summary: string
  allowedActions: string[]
  ifNobodyActs: string
  openedAt: string
  decision?: { action: string; by: string }
  atRisk?: { amountMinor: number; currency: string }
}

/** `crossdock exceptions [decide <id> <action>]`: what needs a person. */
export function runExceptions(args: string[]): Promise<number> {
  return withApi(
    args,
    { reason: { type: "string" }, day: { type: "string" }, all: { type: "boolean" } },
    async (api, { values, positionals: [verb, id, ...action] }) => {
      if (verb !== undefined) {
        if (verb !== "decide" || id === undefined || action.length === 0)
          throw new AppError(
            "REQUEST_INVALID",
            "say: crossdock exceptions decide <id> <action> [--reason …] [--day YYYY-MM-DD]",
          )
        const decided = await api.post<ExceptionItem>(`/v1/exceptions/${encodeURIComponent(id)}/decision`, {
          action: action.join(" "),
          ...(word(values["reason"]) === undefined ? {} : { reason: word(values["reason"]) }),
          ...(word(values["day"]) === undefined ? {} : { day: word(values["day"]) }),
        })
        return { data: decided, text: () => `${id}: ${action.join(" ")}` }
      }
      const [path, query] = ["/v1/exceptions", { state: values["all"] ? undefined : "open" }]
      const page = await api.get<Page<ExceptionItem>>(path, { ...query, ...pageOf(values) })
      return {
        data: page,
        text: () =>
          pageText(api, {
            command: ["exceptions", ...withoutCursor(args)],
            path,
            query,
            page,
            text: (items) => items.map(exceptionText).join("\n"),
            none: "nothing needs a person",
          }),
      }
    },
  )
}

function exceptionText(item: ExceptionItem): string {
  const { id, owner, openedAt, atRisk, summary, ifNobodyActs, allowedActions, decision } = item
  const risk = atRisk ? `  at risk: ${moneyToDecimal(atRisk)} ${atRisk.currency}` : ""
  const end = decision
    ? `  decided: ${decision.action}, by ${decision.by}`
    : `  if nobody acts: ${ifNobodyActs}\n  may be done: ${allowedActions.join(", ")}`
  return `${id}  [${owner}]  since ${openedAt.slice(0, 19)}Z${risk}\n  ${summary}\n${end}`
}
