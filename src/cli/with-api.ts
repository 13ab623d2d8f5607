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
} as const

type Options = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>["options"]>

/** Runs a command against the API; prints JSON when asked, words otherwise. */
export async function withApi(
  args: string[],
  options: Options,
  run: (
    api: Api,
    given: { values: Record<string, string | boolean | undefined>; positionals: string[] },
  ) => Promise<{ data: unknown; text: () => string }>,
): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { ...shared, ...options } })
  const api = connectApi()
  try {
    // parseArgs types options it was given dynamically as a wide union; these commands declare only strings and booleans.
    const given = { values: values as Record<string, string | boolean | undefined>, positionals }
    const { data, text } = await run(api, given)
    process.stdout.write(`${values.json ? JSON.stringify(data) : text()}\n`)
    return 0
  } finally {
    api.close()
  }
}

/** The text of an option that was given. */
export const word = (value: string | boolean | undefined) => (typeof value === "string" ? value : undefined)

/** The first positional argument, or a complaint that names the usage. */
export function needed(positionals: string[], what: string): string {
  const [first] = positionals
  if (first === undefined) throw new AppError("REQUEST_INVALID", `say which: ${what}`)
  return first
}
