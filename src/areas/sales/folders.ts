import { isStorageAway } from "../../base/sql.ts"
import { repeated } from "../../base/time.ts"
import { parseJson } from "../../gateway/phases/parse-json.ts"
import type { Looks } from "../../sales/files/in-folder.ts"
import type { DropFolder } from "../../sales/files/policy.ts"
import { folderReader, passFolder } from "../../sales/files/take-files.ts"
import type { Receipts } from "../../sales/record.ts"
import type { Selling } from "../../sales/selling.ts"
import type { AreaParts, Service } from "../define-area.ts"

const everyMs = 10_000

/** Looks into each folder every ten seconds. */
export function watchFolders(
  { log, readers }: Pick<AreaParts, "log" | "readers">,
  selling: Selling,
  receipts: Pick<Receipts, "record" | "recordRead">,
): Service[] {
  return selling.policies.folders.map((folder) => watch({ log, readers }, folder, { selling, receipts, parseJson }))
}

function watch(
  { log, readers }: Pick<AreaParts, "log" | "readers">,
  folder: DropFolder,
  parts: Parameters<typeof passFolder>[0],
): Service {
  const reader = readers.add({
    name: folderReader(folder),
    what: `The reading of files in ${folder.name}`,
    meanwhile: "receipts in its files do not count, and their numbers are outstanding",
    everyMs,
    // A long file takes its time.
    lateAfterMs: 300_000,
  })
  const looks: Looks = new Map()
  return repeated((signal) => passFolder(parts, folder, { looks, signal, reader, everyMs }), {
    everyMs,
    onError: (thrown) =>
      isStorageAway(thrown) || log.warn({ err: thrown, folder: folder.name }, "a folder could not be read"),
  })
}
