import { AppError, type Problem } from "../../base/errors.ts"
import { canonicalJson } from "../../base/ids.ts"

/** REFERENCE_REUSED when a reference or an id stands for other content than at first, with each member that differs. */
export function checkSame(
  what: string,
  { members, now, first }: { members: readonly string[]; now: object; first: object },
): void {
  const differing = members.filter((name) => textOf(now, name) !== textOf(first, name))
  if (differing.length === 0) return
  const problems = differing.map((name): Problem => {
    const was = textOf(first, name) ?? "left out"
    if (name === "requestedBy") return { pointer: "/reference", message: `${was} used it first` }
    return { pointer: `/${name}`, message: `was ${was} at first`.slice(0, 500) }
  })
  throw new AppError("REFERENCE_REUSED", `${what} was used before with other content`, { problems })
}

function textOf(value: object, name: string): string | undefined {
  const member = (value as Readonly<Record<string, unknown>>)[name]
  return member === undefined ? undefined : canonicalJson(member)
}
