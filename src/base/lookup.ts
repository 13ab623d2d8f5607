/**
 * The entry of a table for a name that came from outside, or undefined. Plain indexing would also find inherited names:
 * `constructor`, `toString`, `__proto__`.
 */
export function own<Value>(table: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}
