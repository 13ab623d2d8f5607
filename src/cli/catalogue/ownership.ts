import { table } from "../table.ts"
import { withApi, type Page } from "../with-api.ts"

interface Rule {
  name: string
  owner: string
  to?: string[]
  foreign?: string
  fresh?: string
  oneMoment?: boolean
  override?: { by: string; within?: string; until: string }
}
interface Held {
  exceptionId: string
  sku?: string
  by: string
  rule: string
  why: string
  at: string
}

/** `crossdock ownership [held]`: who owns which field, and changes that wait for a person. */
export function runOwnership(args: string[]): Promise<number> {
  return withApi(args, {}, async (api, { positionals: [act] }) => {
    if (act === "held") {
      const { items } = await api.get<Page<Held>>("/v1/held-changes")
      const row = ({ at, sku = "", by, rule, exceptionId, why }: Held) => [at, sku, by, rule, exceptionId, why]
      return {
        data: { items },
        text: () =>
          items.length > 0
            ? table(["at", "SKU", "written by", "rule", "exception", "why"], items.map(row))
            : "no change waits for a person",
      }
    }
    const data = await api.get<{ version: string; items: Rule[] }>("/v1/ownership")
    const row = ({ name, owner, to = [], foreign = "hold", fresh = "", override }: Rule) => [
      name,
      owner,
      to.join(", ") || "nowhere",
      foreign,
      fresh,
      override
        ? `${override.by}${override.within === undefined ? "" : ` within ${override.within}`} for ${override.until}`
        : "",
    ]
    const head = ["field", "owner", "goes to", "others' values", "fresh", "may override"]
    return { data, text: () => `${table(head, data.items.map(row))}\nversion ${data.version}` }
  })
}
