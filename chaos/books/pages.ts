import type { Stage } from "../stage.ts"

const pageSize = 500

/**
 * All items of a list. An empty page is not always the last one: the list of effects searches a fixed number of orders
 * per page.
 */
export async function pages<Item>(stage: Stage, path: string, filter = ""): Promise<Item[]> {
  const items: Item[] = []
  let cursor: string | undefined
  for (;;) {
    const at: string = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`
    const page = (await stage.api(`${path}?limit=${pageSize}${filter}${at}`)) as { items: Item[]; cursor?: string }
    items.push(...page.items)
    if (page.cursor === undefined || (page.items.length === 0 && path === endlessList)) return items
    cursor = page.cursor
  }
}

/** This list has a cursor on every page, because its readers continue when new events come. */
const endlessList = "/v1/events"
