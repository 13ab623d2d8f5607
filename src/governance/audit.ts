import { inTransaction, storage, type Sql, type SqlTransaction } from "../base/sql.ts"

export interface Change {
  /** Who made it: a consumer, a person, or Crossdock itself. */
  by: string
  action: string
  subject: string
  /** Without secrets: it is kept for good. */
  detail?: object
}

/** Writes the audit row of a change in the change's own transaction. */
export async function noteAudit(
  transaction: SqlTransaction,
  { by, action, subject, detail = {} }: Change,
): Promise<void> {
  await transaction`select note_audit(${by}, ${action}, ${subject}, ${JSON.stringify(detail)}::text::jsonb)`
}

/** Makes a change and its audit row in one transaction. */
export async function audited<Result>(
  sql: Sql,
  change: Change,
  work: (transaction: SqlTransaction) => Promise<Result>,
): Promise<Result> {
  return storage(() =>
    inTransaction(sql, async (transaction) => {
      const result = await work(transaction)
      await noteAudit(transaction, change)
      return result
    }),
  )
}
