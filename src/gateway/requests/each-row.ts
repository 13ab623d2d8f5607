import type { Validator } from "../../canonical/validate.ts"

/**
 * Writes the rows of a batch that fit, and answers for all in their order: one that does not fit is refused with its problems, under
 * the names it gives itself, and costs no other.
 */
export async function eachRow<Row>(
  rows: readonly unknown[],
  {
    row,
    names,
    write,
  }: {
    row: Validator<Row>
    /** Fields that name a row in its answer. */
    names: readonly string[]
    write: (sound: readonly Row[]) => Promise<readonly object[]>
  },
): Promise<object[]> {
  const read = rows.map((one) => ({ one, problems: row.problems(one) }))
  const sound = read.filter(({ problems }) => problems.length === 0).map(({ one }) => row.parse(one))
  const written = sound.length === 0 ? [] : await write(sound)
  let next = 0
  return read.map(({ one, problems }) =>
    problems.length === 0
      ? (written[next++] ?? { outcome: "refused" })
      : { ...namesOf(one, names), outcome: "refused", problems },
  )
}

function namesOf(row: unknown, names: readonly string[]): object {
  const named = typeof row === "object" && row !== null ? Object.entries(row) : []
  return Object.fromEntries(named.filter(([name, value]) => names.includes(name) && typeof value === "string"))
}
