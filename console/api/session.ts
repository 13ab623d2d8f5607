import { useQuery } from "@tanstack/react-query"
import { change, get } from "./client.ts"
import type { Me } from "./answers.ts"

type Credentials = { token: string } | { name: string; password: string }

export const signIn = (credentials: Credentials) => change<unknown>("POST", "/v1/session", { body: credentials })
/** How people sign in here; `provider` is the company's own sign-in, where the estate names one. */
export const signInWays = (signal?: AbortSignal) =>
  get<{ password: boolean; provider?: { title: string; address: string } }>("/v1/session/ways", signal)
export const signOut = () => change<unknown>("DELETE", "/v1/session")

/** Who is signed in. Fails with 401 when nobody is. */
export function useMe() {
  return useQuery({ queryKey: ["/v1/me"], queryFn: ({ signal }) => get<Me>("/v1/me", signal), staleTime: 60_000 })
}

export interface Right {
  isAllowed: boolean
  /** Why not, in the API's words. */
  reason: string | undefined
}

function rightTo(me: Me | undefined, act: string): Right {
  const rule = me?.can.find((one) => one.act === act)
  if (!rule) return { isAllowed: me !== undefined, reason: undefined }
  return { isAllowed: rule.allowed, reason: rule.reason }
}

/** Whether the person may do something. The API decides again; this only says it before the click. */
export function useRight(act: string): Right {
  return rightTo(useMe().data, act)
}
