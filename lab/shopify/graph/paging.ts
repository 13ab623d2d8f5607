/** Shopify's global ids. */
export function gid(type: string, id: number): string {
  return `gid://shopify/${type}/${id}`
}

/** The number at the end of a global id, if it is of that type. */
export function idOf(type: string, value: unknown): number | undefined {
  const match = /^gid:\/\/shopify\/(\w+)\/(\d{1,15})$/.exec(String(value))
  return match?.[1] === type ? Number(match[2]) : undefined
}

export type PageArguments = { first?: number | null; after?: string | null; reverse?: boolean | null }

type Page = { nodes: unknown[]; edges: { cursor: string; node: unknown }[]; pageInfo: Record<string, unknown> }

/** A list as a connection; cursors are positions, which is enough for lists that only grow at their end. */
export function connection<Item>(
  list: () => readonly Item[],
  view: (item: Item) => unknown = (item) => item,
): (args: PageArguments) => Page {
  return (args) => {
    const from = args.after === null || args.after === undefined ? 0 : decodeCursor(args.after)
    const all = list()
    // Only what is on the page is made: a shop has hundreds of thousands of items.
    const nodes = all.slice(from, from + Math.min(args.first ?? 50, 250)).map((item) => view(item))
    const cursors = nodes.map((_node, index) => encodeCursor(from + index + 1))
    return pageOf(nodes, cursors, { hasNext: from + nodes.length < all.length, hasPrevious: from > 0 })
  }
}

export function pageOf(nodes: unknown[], cursors: string[], page: { hasNext: boolean; hasPrevious: boolean }): Page {
  return {
    nodes,
    edges: nodes.map((node, index) => ({ cursor: cursors[index] ?? "", node })),
    pageInfo: {
      hasNextPage: page.hasNext,
      hasPreviousPage: page.hasPrevious,
      startCursor: cursors[0] ?? null,
      endCursor: cursors.at(-1) ?? null,
    },
  }
}

export function encodeCursor(position: number): string {
  return Buffer.from(`lab:${position}`).toString("base64url")
}

/** 0 for a cursor that is not ours: the real API refuses it, and no connector makes cursors up. */
export function decodeCursor(cursor: string): number {
  const text = Buffer.from(cursor, "base64url").toString("utf8")
  return /^lab:\d+$/.test(text) ? Number(text.slice(4)) : 0
}
