import { derivedId } from "../../base/ids.ts"
import { ref, type Ref } from "../refs.ts"

/** The key of a claim or a refund of a return; it carries the return's id, so that a provider's report of it finds the return. */
export function returnKey(returnId: string, of: string): string {
  return `${returnId}-${derivedId("k", returnId, of).slice(2, 14)}`
}

/** The return whose claim this is; none for claims of others. */
export function returnOfKey(claim: string | undefined): Ref[] {
  const [, returnId] = /^(ret_[0-9a-z]{16})-/.exec(claim ?? "") ?? []
  return returnId === undefined ? [] : [ref("return", returnId)]
}
