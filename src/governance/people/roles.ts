import { hasScope } from "../scopes.ts"

// What people may do, as data: roles give scopes, acts need one. Routes check scopes, so a new act of people is a line here and
// the scope of its route.

/** Of everybody. */
const reads = [
  "me:*",
  "orders:read",
  "stock:read",
  "objects:read",
  "operations:read",
  "events:read",
  "catalogue:read",
  "prices:read",
  "sales:read",
] as const

/** Roles of people, from the smallest. `scopes` are those of the API. */
export const roles = {
  viewer: { does: "sees everything of their channels, changes nothing", scopes: [...reads] },
  operator: {
    does: "decides exceptions, counts stock, reports what cannot be picked, pauses and resumes connections, plans what is done to many",
    scopes: [...reads, "operations:write", "orders:write", "stock:count"],
  },
  approver: {
    does: "approves what others planned",
    scopes: [...reads, "operations:approve"],
  },
  engineer: {
    does: "does what an operator does, replays, corrects, reads raw payloads, books stock, has events sent to other systems, and sees who calls the API",
    scopes: [
      ...reads,
      "operations:write",
      "operations:replay",
      "payloads:read",
      "orders:write",
      "stock:write",
      "stock:count",
      "stock:reserve",
      "consumers:read",
      "subscriptions:*",
    ],
  },
  finance: {
    does: "decides exceptions about money, takes orders back, and approves",
    scopes: [
      ...reads,
      "operations:write",
      "operations:compensate",
      "operations:approve",
      "sales:close",
      "sales:approve",
    ],
  },
  merchandiser: {
    does: "writes products, prices and promotions where people own them, decides what was held, and sees what goods cost",
    scopes: [...reads, "catalogue:write", "catalogue:override", "operations:write", "costs:read"],
  },
  "store-manager": {
    does: "deviates from prices as far as the rules of ownership allow, counts stock, reports what cannot be picked",
    scopes: [...reads, "catalogue:override", "orders:write", "stock:count", "sales:close", "sales:approve"],
  },
  admin: { does: "may do everything, and gives others their roles", scopes: ["*"] },
} as const satisfies Record<string, { does: string; scopes: readonly string[] }>

export type Role = keyof typeof roles

export function isRole(name: string): name is Role {
  return Object.hasOwn(roles, name)
}

/** The scopes that roles give together; a role that this version does not know gives none. */
export function scopesOf(names: readonly string[]): string[] {
  return [...new Set(names.flatMap((name) => (isRole(name) ? roles[name].scopes : [])))]
}

/** What people do in the console, and the scope of the route that does it. */
const acts = {
  "decide exceptions": "operations:write",
  "pause and resume connections": "operations:write",
  "enter and leave modes": "operations:write",
  "map articles": "operations:write",
  "replay and correct": "operations:replay",
  "take orders back": "operations:compensate",
  "read raw payloads": "payloads:read",
  "acknowledge and silence alerts": "operations:write",
  "test alerts": "operations:write",
  "send events to other systems": "subscriptions:write",
  "change an order": "orders:write",
  "count stock": "stock:count",
  "close store days": "sales:close",
  "write products and prices": "catalogue:write",
  "override prices": "catalogue:override",
  "approve operations": "operations:approve",
  "see consumers": "consumers:read",
  "change consumers": "consumers:write",
  "change people": "people:write",
} as const satisfies Record<string, string>

export interface Can {
  act: string
  allowed: boolean
  /** Why not, for people. */
  reason?: string
}

/** Every act, and why one is not allowed: a console shows what cannot be done, with the reason. */
export function canDo(scopes: ReadonlySet<string>): Can[] {
  return Object.entries(acts).map(([act, scope]) => {
    if (hasScope(scopes, scope)) return { act, allowed: true }
    return { act, allowed: false, reason: `needs the role ${rolesWith(scope).join(" or ")}` }
  })
}

/** The roles that have all of these scopes. */
export function rolesWith(...scopes: readonly (string | undefined)[]): string[] {
  const able = Object.entries(roles).filter(([, role]) => {
    const own = new Set<string>(role.scopes)
    return scopes.every((scope) => scope === undefined || hasScope(own, scope))
  })
  return able.map(([name]) => name)
}
