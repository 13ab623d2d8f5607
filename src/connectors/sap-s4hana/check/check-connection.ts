import { AppError, asAppError, type ErrorCode } from "../../../base/errors.ts"
import type { Call } from "../../../ports/write.ts"
import { checkBilling } from "./check-billing.ts"
import type { SapOptions } from "../books-orders.ts"

/** The setting that a failed call points to, what it has to be, and what to do. */
const places: Partial<Record<ErrorCode, { setting: "user" | "baseUrl"; expected: string; toDo: string }>> = {
  VENDOR_KEY_REFUSED: {
    setting: "user",
    expected: "a communication user of the arrangements SAP_COM_0109, 0106 and 0002, with its password",
    toDo: "correct user and password, or have the arrangements assigned to it",
  },
  VENDOR_REJECTED: {
    setting: "baseUrl",
    expected: "the address of a system that serves API_SALES_ORDER_SRV",
    toDo: "correct the address, or have the service activated",
  },
  VENDOR_UNAVAILABLE: {
    setting: "baseUrl",
    expected: "the address of a system that answers",
    toDo: "correct the address, or wait until the system is up",
  },
  VENDOR_MISBEHAVED: {
    setting: "baseUrl",
    expected: "the address of an S/4HANA system, which answers in OData V2",
    toDo: "correct the address: something else answers there",
  },
}

/** Reads from SAP what shows that the connection's settings are right. What fails names its setting. */
export async function checkConnection(call: Omit<Call, "key">, options: SapOptions): Promise<void> {
  try {
    await checkBilling(call, options)
  } catch (thrown) {
    const error = asAppError(thrown)
    const place = places[error.code]
    if (!place) throw error
    const { setting, expected, toDo } = place
    const message = `expected ${expected}; ${error.message}. ${toDo[0]?.toUpperCase()}${toDo.slice(1)}`
    throw new AppError(error.code, `${setting}: ${message}`, {
      cause: error,
      problems: [{ pointer: `/${setting}`, message }, ...error.problems],
      data: error.data,
      ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
    })
  }
}
