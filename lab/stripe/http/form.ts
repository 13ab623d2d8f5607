/** A parsed form body: text, lists and nested fields, as `metadata[order]=1` and `expand[]=latest_charge` spell them. */
export type FormFields = { [name: string]: FormValue }
export type FormValue = string | FormFields | FormValue[]

/** Reads `application/x-www-form-urlencoded` with Stripe's brackets (docs.stripe.com/api: request bodies are form-encoded). */
export function parseForm(text: string): FormFields {
  const root: FormFields = Object.create(null) as FormFields
  for (const [key, value] of new URLSearchParams(text)) setPath(root, { path: pathOf(key), value })
  return root
}

/** The same fields in any order give the same text: what idempotency compares. */
export function canonicalForm(text: string): string {
  return text.split("&").sort().join("&")
}

function pathOf(key: string): string[] {
  const bracket = key.indexOf("[")
  if (bracket < 0) return [key]
  const inside = key.slice(bracket).matchAll(/\[([^\]]*)\]/g)
  return [key.slice(0, bracket), ...Array.from(inside, (match) => match[1] ?? "")]
}

function setPath(fields: FormFields, { path, value }: { path: string[]; value: string }): void {
  const [name = "", next, ...rest] = path
  if (next === undefined) {
    fields[name] = value
    return
  }
  // `name[]` and `name[0]` are lists of plain values; lists of objects are not needed by any supported call.
  if (rest.length === 0 && /^\d*$/.test(next)) {
    const list = fields[name]
    if (Array.isArray(list)) list.push(value)
    else fields[name] = [value]
    return
  }
  const inner = fields[name]
  const nested: FormFields =
    typeof inner === "object" && !Array.isArray(inner) ? inner : (Object.create(null) as FormFields)
  fields[name] = nested
  setPath(nested, { path: [next, ...rest], value })
}
