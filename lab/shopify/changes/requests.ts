export type UserError = { field: string[] | null; message: string }

export type CancelRequest = { reason: string; restock: boolean; refundsPayments: boolean; staffNote: string | null }
