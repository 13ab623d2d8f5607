/** Whether scopes allow one: by name, by area (`orders:*`) or all (`*`). */
export function hasScope(scopes: ReadonlySet<string>, wanted: string): boolean {
  return scopes.has(wanted) || scopes.has("*") || scopes.has(`${wanted.slice(0, wanted.indexOf(":"))}:*`)
}
