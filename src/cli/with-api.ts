import { parseArgs } from "node:util"
import { AppError } from "../base/errors.ts"
import { connectApi, type Api } from "./api.ts"

/** One page of a list, as the API answers it. */
export interface Page<Item> {
  items: Item[]
  cursor?: string
}

/** Options every listing command has. */
export const shared = {
  json: { type: "boolean", default: false },
  limit: { type: "string", default: "25" },
  cursor: { type: "string" },
} as const

type Options = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>["options"]>

/** Runs a command against the API; prints JSON when asked, words otherwise. */
export async function withApi(
  args: string[],
  options: Options,
  run: (
    api: Api,
    given: { values: Record<string, string | boolean | undefined>; positionals: string[] },
  ) => Promise<{ data: unknown; text: () => string | Promise<string> }>,
): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { ...shared, ...options } })
  const api = connectApi()
  try {
    // parseArgs types options it was given dynamically as a wide union; these commands declare only strings and booleans.
    const given = { values: values as Record<string, string | boolean | undefined>, positionals }
    const { data, text } = await run(api, given)
    process.stdout.write(`${values.json ? JSON.stringify(data) : await text()}\n`)
    return 0
  } finally {
    api.close()
  }
}

/** The text of an option that was given. */
export const word = (value: string | boolean | undefined) => (typeof value === "string" ? value : undefined)

/** The paging part of a list's query. */
export const pageOf = (values: Record<string, string | boolean | undefined>) => ({
  limit: word(values["limit"]),
  cursor: word(values["cursor"]),
})

/** The first positional argument, or a complaint that names the usage. */
export function needed(positionals: string[], what: string): string {
  const [first] = positionals
  if (first === undefined) throw new AppError("REQUEST_INVALID", `say which: ${what}`)
  return first
}

/** A page as the text of a command: its items, and below them how many there are and how the list goes on. */
export async function pageText<Item>(
  api: Api,
  list: {
    /** The command as it was typed, without a cursor. */
    command: readonly string[]
    path: string
    query: Record<string, string | undefined>
    page: Page<Item>
    text: (items: Item[]) => string
    /** The text of an empty list. */
    none: string
  },
): Promise<string> {
  const { command, page, text, none } = list
  const shown = page.items.length > 0 ? text(page.items) : none
  if (page.cursor === undefined) return shown
  const rest = await countRest(api, list)
  const total = rest === undefined ? `more than ${countMax}` : String(page.items.length + rest)
  return `${shown}\n${page.items.length} of ${total}, next: crossdock ${command.map(quoted).join(" ")} --cursor ${page.cursor}`
}

/** Further items are counted up to here. */
const countMax = 1000

async function countRest(
  api: Api,
  { path, query, page }: { path: string; query: Record<string, string | undefined>; page: Page<unknown> },
): Promise<number | undefined> {
  let { cursor } = page
  let count = 0
  while (cursor !== undefined) {
    if (count + page.items.length >= countMax) return undefined
    const next: Page<unknown> = await api.get(path, { ...query, limit: "500", cursor })
    count += next.items.length
    cursor = next.cursor
  }
  return count
}

const quoted = (word: string) => (/^[\w.,:/=+@#-]+$/.test(word) ? word : `'${word}'`)

/** The words of a command without the cursor, to be typed again with another one. */
export function withoutCursor(args: readonly string[]): string[] {
  return args.filter((word, place) => !word.startsWith("--cursor") && args[place - 1] !== "--cursor")
}
