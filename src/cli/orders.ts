import { parseArgs } from "node:util"
import { moneyToDecimal } from "../base/money.ts"
import { connectApi } from "./api.ts"
import { clockText, table } from "./table.ts"
import { needed, shared, withApi, word, type Page } from "./with-api.ts"

interface Hop {
  at: string
  system: string
  what: string
  outcome?: string
  reference?: { type: string; id: string }
  detail?: string
}

interface TraceAnswer {
  order: {
    id: string
    number: string
    channel: string
    state: string
    reason?: string
    total: { amountMinor: number; currency: string }
  }
  waitingFor?: { name: string; until?: string }[]
  hops: Hop[]
}

/** `crossdock trace <order>`: every hop of one order over all systems. */
export function runTrace(args: string[]): Promise<number> {
  return withApi(args, {}, async (api, { positionals }) => {
    const id = needed(positionals, "crossdock trace <order id or number>")
    const trace = await api.get<TraceAnswer>(`/v1/orders/${encodeURIComponent(id)}/trace`)
    return {
      data: trace,
      text: () => {
        const { order, waitingFor, hops } = trace
        const head = `${order.number} (${order.id}) from ${order.channel}: ${order.state}, ${moneyToDecimal(order.total)} ${order.total.currency}`
        const waiting = (waitingFor ?? []).map(
          ({ name, until }) => `waits for ${name}${until ? ` until ${until}` : ""}`,
        )
        const rows = hops.map((hop) => [
          clockText(hop.at),
          hop.system,
          hop.what,
          hop.outcome ?? "",
          hop.reference ? `${hop.reference.type} ${hop.reference.id}` : "",
          hop.detail ?? "",
        ])
        return [
          head,
          ...(order.reason ? [order.reason] : []),
          ...waiting,
          "",
          table(["time", "system", "what", "outcome", "reference", ""], rows),
        ].join("\n")
      },
    }
  })
}

interface OrderItem {
  id: string
  number: string
  channel: string
  state: string
  placedAt: string
  total: { amountMinor: number; currency: string }
}

/** `crossdock orders [--state S]`: newest first. */
export function runOrders(args: string[]): Promise<number> {
  return withApi(args, { state: { type: "string" } }, async (api, { values }) => {
    const page = await api.get<Page<OrderItem>>("/v1/orders", {
      limit: word(values["limit"]),
      state: word(values["state"]),
    })
    const row = (order: OrderItem) => [
      order.number,
      order.id,
      order.channel,
      order.state,
      `${moneyToDecimal(order.total)} ${order.total.currency}`,
      order.placedAt,
    ]
    return {
      data: page,
      text: () => table(["number", "id", "channel", "state", "total", "placed"], page.items.map(row)),
    }
  })
}

interface EventItem {
  time: string
  type: string
  key: string
  fact: string
}

/** `crossdock events [--follow] [--type T]`: the event log, oldest first. */
export async function runEvents(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      ...shared,
      follow: { type: "boolean", default: false },
      type: { type: "string" },
      cursor: { type: "string" },
    },
  })
  const api = connectApi()
  let cursor = values.cursor
  try {
    for (;;) {
      const page = await api.get<Page<EventItem>>("/v1/events", {
        limit: values.limit,
        type: values.type,
        cursor,
        follow: values.follow ? "true" : undefined,
      })
      for (const event of page.items)
        process.stdout.write(
          values.json
            ? `${JSON.stringify(event)}\n`
            : `${event.time}  ${event.type.padEnd(30)} ${event.key}  ${event.fact}\n`,
        )
      if (!values.follow) {
        if (page.cursor !== undefined && !values.json)
          process.stdout.write(`more: crossdock events --cursor ${page.cursor}\n`)
        return 0
      }
      cursor = page.cursor ?? cursor
    }
  } finally {
    api.close()
  }
}
