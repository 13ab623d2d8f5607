import type { ClaimsRefunds } from "../ports/capabilities/accounts.ts"
import type { OrderAccounts } from "./accounts.ts"

/**
 * The accounts as a capability for workflows. A claim is idempotent by its key inside the database, so a probe simply asks again:
 * the second time answers what the first did.
 */
export function claimsRefunds(accounts: OrderAccounts): ClaimsRefunds {
  const claim: ClaimsRefunds["claim"]["send"] = (input, { key }) => accounts.claimRefund(input, key)
  const claimUnits: ClaimsRefunds["claimUnits"]["send"] = (input, { key }) => accounts.claimReturn(input, key)
  const claimBack: ClaimsRefunds["claimBack"]["send"] = (input, { key }) => accounts.claimBack(input, key)
  const claimExchange: ClaimsRefunds["claimExchange"]["send"] = (input, { key }) => accounts.claimExchange(input, key)
  const release: ClaimsRefunds["release"]["send"] = async (input) => {
    await accounts.release(input.orderId, input.claim)
    return {}
  }
  return {
    claim: { send: claim, probe: claim, settleMs: 0 },
    claimUnits: { send: claimUnits, probe: claimUnits, settleMs: 0 },
    claimBack: { send: claimBack, probe: claimBack, settleMs: 0 },
    claimExchange: { send: claimExchange, probe: claimExchange, settleMs: 0 },
    release: { send: release, probe: release, settleMs: 0 },
  }
}
