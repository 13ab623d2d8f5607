import { Gauge, type Registry } from "prom-client"
import type { ChannelView } from "./read.ts"

/** Registers how channels stand: rows by state, and the age of the oldest change that is not shown. */
export function registerPublishing(
  registry: Registry,
  read: () => Promise<readonly ChannelView[]>,
  nowMs: () => number,
): void {
  const rows = new Gauge({
    name: "crossdock_published_rows",
    help: "Rows of channels that are not as they should be, by state; marked are changes that are not looked into yet.",
    labelNames: ["channel", "aspect", "state"],
    registers: [registry],
    collect: async () => {
      const channels = await read()
      rows.reset()
      ages.reset()
      for (const { channel, aspect, states, oldestChangeAt } of channels) {
        for (const [state, count] of Object.entries(states)) rows.set({ channel, aspect, state }, count)
        ages.set({ channel, aspect }, oldestChangeAt === undefined ? 0 : (nowMs() - Date.parse(oldestChangeAt)) / 1000)
      }
    },
  })
  const ages = new Gauge({
    name: "crossdock_published_oldest_seconds",
    help: "Age of the oldest change that a channel does not show yet.",
    labelNames: ["channel", "aspect"],
    registers: [registry],
  })
}
