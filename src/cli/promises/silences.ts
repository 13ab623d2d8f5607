import { AppError } from "../../base/errors.ts"
import { durationMs, instant, systemClock } from "../../base/time.ts"
import { table } from "../table.ts"
import { needed, withApi, word } from "../with-api.ts"

interface Silence {
  id: string
  matches: Record<string, string>
  reason: string
  by: string
  endsAt: string
  state: string
  heldBack: number
}

const matching = ["rule", "key", "promise", "group", "connection", "channel", "owner"] as const
const options = {
  ...Object.fromEntries(matching.map((name) => [name, { type: "string" as const }])),
  state: { type: "string" },
  reason: { type: "string" },
  hours: { type: "string" },
} as const

/** `crossdock silences`: what people asked not to be told of, until when, and what that held back. */
export function runSilences(args: string[]): Promise<number> {
  return withApi(args, options, async (api, { values, positionals: [act, ...rest] }) => {
    if (act === undefined) {
      const list = await api.get<{ items: Silence[] }>("/v1/silences", { state: word(values["state"]) })
      return { data: list, text: () => (list.items.length === 0 ? "nothing is silenced" : silencesText(list.items)) }
    }
    if (act === "end") {
      const id = needed(rest, "crossdock silences end <id>")
      const silence = await api.post<Silence>(`/v1/silences/${encodeURIComponent(id)}/end`, {})
      return { data: silence, text: () => silencesText([silence]) }
    }
    const reason = word(values["reason"])
    const hours = Number(word(values["hours"]))
    const matches = Object.fromEntries(
      matching.flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]]])),
    )
    if (act !== "add" || reason === undefined || !(hours > 0) || Object.keys(matches).length === 0)
      throw new AppError(
        "REQUEST_INVALID",
        "say: crossdock silences add --promise P | --connection C | --group G | --channel C | --rule R --hours N --reason R, or end <id>",
      )
    const endsAt = instant(systemClock.now() + durationMs({ hours }))
    const silence = await api.post<Silence>("/v1/silences", { matches, reason, endsAt })
    return { data: silence, text: () => silencesText([silence]) }
  })
}

function silencesText(items: readonly Silence[]): string {
  const rows = items.map(({ id, matches, state, endsAt, heldBack, by, reason }) => [
    id,
    state,
    endsAt.slice(0, 16),
    String(heldBack),
    by,
    Object.entries(matches)
      .map(([name, value]) => `${name} ${value}`)
      .join(", "),
    reason,
  ])
  return table(["silence", "state", "until", "held back", "by", "of", "why"], rows)
}
