import type { Hint } from "./source.ts"

/** Beginnings of addresses whose answers change with a topic. */
const pathsOf: Readonly<Record<string, readonly string[]>> = {
  orders: ["/v1/orders", "/v1/objects", "/v1/trace", "/v1/search"],
  objects: ["/v1/objects", "/v1/trace", "/v1/search"],
  stock: ["/v1/availability", "/v1/stock"],
  exceptions: ["/v1/exceptions", "/v1/orders"],
  "exception-groups": ["/v1/exception-groups"],
  operations: ["/v1/operations"],
  connections: ["/v1/connections", "/v1/readers"],
}
/** Lists, which any change of their topic may change; everything else is of one thing, named in its address. */
const lists = new Set([
  "/v1/orders",
  "/v1/objects",
  "/v1/exceptions",
  "/v1/exception-groups",
  "/v1/operations",
  "/v1/connections",
  "/v1/readers",
])

const isBelow = (path: string, beginning: string) =>
  path === beginning || path.startsWith(`${beginning}/`) || path.startsWith(`${beginning}?`)

/** Whether what is read from an address may have changed. */
export function isTouched(path: string, hints: readonly Hint[]): boolean {
  const bare = path.split("?")[0] ?? path
  return hints.some(({ topic, ids }) => {
    if (!(pathsOf[topic] ?? []).some((one) => isBelow(path, one))) return false
    if (ids.length === 0) return true
    const text = decodeURIComponent(path)
    const isList = lists.has(bare) && !namesOneThing(path)
    return isList || ids.some((id) => text.includes(id))
  })
}

/** Cases of one order, members of one group: a list whose filter names a thing changes with what is about that thing alone. */
function namesOneThing(path: string): boolean {
  return path.includes("orderId=")
}

/** Whether changes of what is read from an address are told by the stream, so that it needs no reading in between. */
export function isHinted(path: string): boolean {
  return Object.values(pathsOf).some((beginnings) => beginnings.some((one) => isBelow(path, one)))
}
