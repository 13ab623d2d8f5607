import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs"
import { join } from "node:path"

/** Rewrites one 8 KiB page below a folder and waits for the disk, repeatedly, as fdatasync in `pg_test_fsync`: times a second. */
export function fdatasyncRate(folder: string, forMs: number): number {
  const place = mkdtempSync(join(folder, "fdatasync-"))
  const file = openSync(join(place, "page"), "w")
  const page = Buffer.alloc(8192, 1)
  try {
    let count = 0
    const started = performance.now()
    while (performance.now() - started < forMs) {
      writeSync(file, page, 0, page.length, 0)
      fdatasyncSync(file)
      count += 1
    }
    return Math.round(count / ((performance.now() - started) / 1000))
  } finally {
    closeSync(file)
    rmSync(place, { recursive: true, force: true })
  }
}
