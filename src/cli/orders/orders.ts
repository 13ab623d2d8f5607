import { parseArgs } from "node:util"
import { moneyToDecimal } from "../../base/money.ts"
import { connectApi } from "../api.ts"
import { showAccount } from "./order-account.ts"
import { showValues } from "./order-values.ts"
import { table } from "../table.ts"
import { pageOf, pageText, shared, withApi, withoutCursor, word, type Page } from "../with-api.ts"

interface OrderItem {
  id: string
  number: string
  channel: string
  state: string
  placedAt: string
  total: { amountMinor: number; currency: string }
}

/** `crossdock orders [--state S]`: newest first; `orders account <order>`: what became of one; `orders values <order>`: who set them. */
export function runOrders(args: string[]): Promise<number> {
  if (args[0] === "account") return showAccount(args.slice(1))
  if (args[0] === "values") return showValues(args.slice(1))
  return withApi(args, { state: { type: "string" } }, async (api, { values }) => {
    const [path, query] = ["/v1/orders", { state: word(values["state"]) }]
    const page = await api.get<Page<OrderItem>>(path, { ...query, ...pageOf(values) })
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
      text: () =>
        pageText(api, {
          command: ["orders", ...withoutCursor(args)],
          path,
          query,
          page,
          text: (items) => table(["number", "id", "channel", "state", "total", "placed"], items.map(row)),
          none: "no orders",
        }),
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
