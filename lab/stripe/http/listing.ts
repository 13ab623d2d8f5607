import type { FormFields } from "./form.ts"
import { integer, text } from "./params.ts"
import { invalidParameter } from "./stripe-error.ts"

export type Listed = { id: string; created: number }

/** One page, newest first: `limit`, `starting_after`, `created[gte]` (docs.stripe.com/api/pagination). */
export function pageOf<T extends Listed>(
  newestFirst: readonly T[],
  page: { fields: FormFields; url: string; view: (item: T) => unknown },
): Record<string, unknown> {
  const limit = limitOf(page.fields)
  const after = text(page.fields, "starting_after")
  const start = after === undefined ? 0 : newestFirst.findIndex((item) => item.id === after) + 1
  if (after !== undefined && start === 0)
    throw invalidParameter("starting_after", `No such object: '${after}'`, "resource_missing")
  const sinceSeconds = createdSince(page.fields)
  const wanted = newestFirst.slice(start).filter((item) => item.created >= sinceSeconds)
  const data = wanted.slice(0, limit).map(page.view)
  return { object: "list", url: page.url, has_more: wanted.length > limit, data }
}

export function limitOf(fields: FormFields): number {
  const limit = integer(fields, "limit") ?? 10
  if (limit < 1 || limit > 100) throw invalidParameter("limit", "limit must be 1 to 100", "parameter_invalid_integer")
  return limit
}

function createdSince(fields: FormFields): number {
  const created = fields["created"]
  if (typeof created !== "object" || Array.isArray(created)) return 0
  const gte = integer(created, "gte")
  const gt = integer(created, "gt")
  return gte ?? (gt === undefined ? 0 : gt + 1)
}
