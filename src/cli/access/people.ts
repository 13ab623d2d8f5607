import { AppError } from "../../base/errors.ts"
import { table } from "../table.ts"
import { withApi, word, type Page } from "../with-api.ts"

interface Person {
  name: string
  fullName: string
  roles: string[]
  channels?: string[]
  stores?: string[]
  hasPassword: boolean
  isOfProvider: boolean
  isActive: boolean
}

/** `crossdock people [add|link …]`: who uses the console. */
export function runPeople(args: string[]): Promise<number> {
  const options = {
    roles: { type: "string" },
    "full-name": { type: "string" },
    channels: { type: "string" },
    stores: { type: "string" },
  } as const
  return withApi(args, options, async (api, { values, positionals: [action, name] }) => {
    if (action === "add" && name !== undefined) {
      const channels = list(values["channels"])
      const stores = list(values["stores"])
      const body = {
        fullName: word(values["full-name"]) ?? name,
        roles: list(values["roles"]) ?? ["viewer"],
        ...(channels ? { channels } : {}),
        ...(stores ? { stores } : {}),
      }
      const person = await api.put<Person>(`/v1/people/${encodeURIComponent(name)}`, body)
      return {
        data: person,
        text: () => `${name} is ${person.roles.join(", ")}; now run: crossdock people link ${name}`,
      }
    }
    if (action === "link" && name !== undefined) {
      const link = await api.post<{ path: string; expiresAt: string }>(
        `/v1/people/${encodeURIComponent(name)}/link`,
        {},
      )
      const address = api.baseUrl + link.path
      return { data: { ...link, address }, text: () => `${address}\nworks once, until ${link.expiresAt}` }
    }
    if (action !== undefined)
      throw new AppError(
        "REQUEST_INVALID",
        "say: crossdock people add <name> --roles operator, or crossdock people link <name>",
      )
    const { items } = await api.get<Page<Person>>("/v1/people")
    const row = (one: Person) => [
      one.name,
      one.fullName,
      one.roles.join(", "),
      one.channels?.join(", ") ?? "all",
      one.stores?.join(", ") ?? "all",
      howTheySignIn(one),
    ]
    const head = ["name", "", "roles", "channels", "stores", "signs in"]
    return {
      data: { items },
      text: () => (items.length > 0 ? table(head, items.map(row)) : "nobody uses the console yet"),
    }
  })
}

function howTheySignIn({ isActive, isOfProvider, hasPassword }: Person): string {
  if (!isActive) return "shut out"
  return isOfProvider ? "identity provider" : hasPassword ? "password" : "by link"
}

function list(text: string | boolean | undefined): string[] | undefined {
  return word(text)
    ?.split(",")
    .map((one) => one.trim())
}
