import { AppError } from "../../base/errors.ts"
import type { Exchange } from "../exchange.ts"

/** PERMISSION_MISSING when the caller is limited to some places and this is none of them, or names none. */
export function checkStore({ stores }: Pick<Exchange, "stores">, location: string | undefined): void {
  if (!stores || (location !== undefined && stores.includes(location))) return
  throw new AppError("PERMISSION_MISSING", `name one of your stores: ${stores.join(", ")}`)
}
