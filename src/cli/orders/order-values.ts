import { orderIdOf } from "./order-account.ts"
import { clockText, table } from "../table.ts"
import { needed, withApi } from "../with-api.ts"

interface LineageAnswer {
  versions: { event: string; at: string; source: string; delivery?: number }[]
  values: { pointer: string; value: unknown; since: number; before?: unknown }[]
  isComplete: boolean
}

/** `crossdock orders values <order> [--changed]`: who set each value, when, and by which delivery. */
export function showValues(args: string[]): Promise<number> {
  return withApi(args, { changed: { type: "boolean" } }, async (api, { positionals, values: { changed } }) => {
    const id = needed(positionals, "crossdock orders values <order id or number>")
    const lineage = await api.get<LineageAnswer>(`/v1/orders/${await orderIdOf(api, id)}/lineage`)
    const shown = { ...lineage, values: lineage.values.filter(({ since }) => !changed || since > 0) }
    return { data: shown, text: () => lineageText(shown) }
  })
}

function lineageText({ versions, values, isComplete }: LineageAnswer): string {
  if (values.length === 0) return "no value was changed after the order was placed"
  const rows = values.map(({ pointer, value, since, before }) => {
    const { event = "", at = "", source = "", delivery } = versions[since] ?? {}
    const by = `${source}, ${event}${delivery === undefined ? "" : ` (delivery ${delivery})`}`
    return [pointer, JSON.stringify(value), before === undefined ? "" : JSON.stringify(before), clockText(at), by]
  })
  const text = table(["value of", "is", "was", "since", "set by"], rows)
  return isComplete
    ? text
    : `${text}\nOnly the newest ${versions.length} versions were read: the first of them may repeat older ones.`
}
