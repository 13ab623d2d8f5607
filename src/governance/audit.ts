import { inTransaction, storage, type Sql, type SqlTransaction } from "../base/sql.ts"

export interface Change {
  /** Who made it: a consumer, a person, or Crossdock itself. */
  by: string
  action: string
  subject: string
  /** Without secrets: it is kept for good. */
  detail?: object
}

/** Makes a change and its audit row in one transaction. */
export async function audited<Result>(
  sql: Sql,
  { by, action, subject, detail = {} }: Change,
  work: (transaction: SqlTransaction) => Promise<Result>,
): Promise<Result> {
  return storage(() =>
    inTransaction(sql, async (transaction) => {
      const result = await work(transaction)
      await transaction`select note_audit(${by}, ${action}, ${subject}, ${JSON.stringify(detail)}::text::jsonb)`
      return result
    }),
  )
}
