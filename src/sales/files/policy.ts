import { isAbsolute, relative } from "node:path"
import { Type, type Static } from "typebox"
import type { Problem } from "../../base/errors.ts"
import { LocationId } from "../../canonical/parts.ts"

const formats = ["poslog", "json", "ndjson"] as const

/** A folder in which the systems of tills leave files, by SFTP or a share: one of `policies.sales.folders`. */
export const DropFolder = Type.Object(
  {
    name: Type.String({
      pattern: "^[a-z0-9][a-z0-9-]{0,39}$",
      description: "Its name in lists, exceptions and the log: small letters, digits and hyphens.",
    }),
    path: Type.String({ minLength: 1, maxLength: 1000, description: "The folder, from the root of the file system." }),
    format: Type.Enum(formats, {
      description:
        'What its files hold: POSLog XML, NDJSON with a receipt a line, or JSON (a receipt, a list of them, or `{ "receipts": [ … ] }`).',
    }),
    ending: Type.Optional(
      Type.String({
        pattern: "^\\.[A-Za-z0-9._-]{1,20}$",
        description: "Only files whose names end so are read. Default: .xml, .json or .ndjson by the format.",
      }),
    ),
    wholeWhen: Type.Optional(
      Type.Enum(["quiet", "marked", "renamed"], {
        description:
          "How a file is known to be whole. `quiet`: nobody has written to it for half a minute. `marked`: a file of its name and `.done` lies beside it. `renamed`: its sender writes under another ending and renames it. Default: quiet.",
      }),
    ),
    stores: Type.Optional(
      Type.Array(LocationId, {
        minItems: 1,
        description: "Receipts of other stores are refused. Default: all stores.",
      }),
    ),
  },
  { additionalProperties: false },
)
export type DropFolder = Static<typeof DropFolder>

export const endingOf = ({ ending, format }: DropFolder): string =>
  ending ?? { poslog: ".xml", json: ".json", ndjson: ".ndjson" }[format]

/** What fits the schema and is no folder: every problem with its place. */
export function folderProblems(folders: readonly DropFolder[], stores: ReadonlySet<string>): Problem[] {
  return folders.flatMap((folder, n) => {
    const others = folders.slice(0, n)
    const place = (key: string) => `/folders/${n}/${key}`
    const inside = others.find(({ path }) => isWithin(folder.path, path) || isWithin(path, folder.path))
    return [
      ...(isAbsolute(folder.path) ? [] : [{ pointer: place("path"), message: "begins at the root, e.g. /srv/tills" }]),
      ...(inside
        ? [{ pointer: place("path"), message: `is the folder "${inside.name}", or one is within the other` }]
        : []),
      ...(others.some(({ name }) => name === folder.name)
        ? [{ pointer: place("name"), message: `"${folder.name}" is the name of another folder` }]
        : []),
      ...(folder.stores ?? []).flatMap((store, index) =>
        stores.has(store) ? [] : [{ pointer: `${place("stores")}/${index}`, message: `there is no store "${store}"` }],
      ),
    ]
  })
}

function isWithin(path: string, outer: string): boolean {
  const way = relative(outer, path)
  return way === "" || !(way.startsWith("..") || isAbsolute(way))
}
