/**
 * The entry of a table under a name that came from outside, or undefined. Indexing the table itself would also find what every
 * object inherits: `constructor`, `toString`, `__proto__`.
 */
export function own<Value>(table: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}
