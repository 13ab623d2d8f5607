import { storage } from "../base/sql.ts"

const rowsAtOnce = 5000

/** Deletes in small transactions until nothing is left; returns how many rows. `remove` deletes at most `limit` and returns them. */
export async function inBatches(remove: (limit: number) => PromiseLike<readonly object[]>): Promise<number> {
  let count = 0
  for (;;) {
    const rows = await storage(async () => remove(rowsAtOnce))
    count += rows.length
    if (rows.length < rowsAtOnce) return count
  }
}
