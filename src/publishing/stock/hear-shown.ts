import { storage, type Sql } from "../../base/sql.ts"
import type { EventData } from "../../canonical/events.ts"
import type { Subscriber } from "../../eventlog/subscriber.ts"

/** Hears what channels say they show, in batches. What is no echo of our own is looked at in the channel before it is judged. */
export function shownSubscriber(sql: Sql): Subscriber {
  return {
    name: "what channels show",
    types: ["stock.shown"],
    async handle(events) {
      // The subscription has only this type.
      const said = events.map(({ data }) => data as EventData<"stock.shown">)
      await storage(
        () => sql`
          select publish_note_shown(${said.map(({ channel }) => channel)}::text[], ${said.map(({ articleId }) => articleId)}::text[],
            ${said.map(({ locationId }) => locationId)}::text[], ${said.map(({ availableMilli }) => availableMilli)}::bigint[],
            ${said.map(({ at }) => at)}::timestamptz[])`,
      )
      return []
    },
  }
}
