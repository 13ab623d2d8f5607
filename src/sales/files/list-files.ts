import { storage } from "../../base/sql.ts"
import type { Selling } from "../selling.ts"
import { keyIn, pageOf, type Page, type PageAsked } from "../views.ts"

/** A file as people see it: how many receipts it brought by outcome, and the first problems of what was refused. */
interface FileView {
  folder: string
  name: string
  digest: string
  state: "taken" | "refused"
  bytes: number
  changedAt: string
  takenAt: string
  counts: Record<string, number>
  problems: readonly { pointer: string; message: string }[]
}

/** Files of folders, the last read first. */
export async function listFiles(
  { sql, policies }: Pick<Selling, "sql" | "policies">,
  {
    folder,
    state,
    stores,
    limit,
    cursor,
  }: { folder?: string; state?: "taken" | "refused"; stores: readonly string[] | undefined } & PageAsked,
): Promise<Page<FileView>> {
  const [before = "infinity", ...than] = keyIn(cursor, 4) ?? []
  const seen = policies.folders.filter((one) => one.stores?.every((store) => stores?.includes(store)))
  const rows = await storage(
    () => sql<(Omit<FileView, "changedAt" | "takenAt"> & { changed: Date; taken: Date; key: string })[]>`
      select folder, name, digest, state, bytes, changed_at as changed, taken_at as taken, taken_at::text as key, counts, problems
      from dropped_files
      where (${folder ?? null}::text is null or folder = ${folder ?? null})
        and (${state ?? null}::text is null or state = ${state ?? null})
        and (${stores === undefined} or folder = any(${seen.map(({ name }) => name)}::text[]))
        and (taken_at, folder, digest, name) < (${before}::text::timestamptz, ${than[0] ?? ""}, ${than[1] ?? ""}, ${than[2] ?? ""})
      order by taken_at desc, folder desc, digest desc, name desc limit ${limit + 1}`,
  )
  const page = pageOf(rows, limit, ({ key, folder: of, digest, name }) => [key, of, digest, name])
  return {
    ...page,
    items: page.items.map(({ changed, taken, key: _key, ...one }) => ({
      ...one,
      changedAt: changed.toISOString(),
      takenAt: taken.toISOString(),
    })),
  }
}
