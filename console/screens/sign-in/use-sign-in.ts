import { useEffect, useEffectEvent, useRef, useState } from "react"
import type { Me } from "../../api/answers.ts"
import { get } from "../../api/client.ts"
import { signIn } from "../../api/session.ts"
import { queryClient } from "../../api/use-api.ts"
import { useFilters, useGo } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const texts = en.signIn.returned

/** Signs in, by the link the page was opened with or by what is typed, and goes where the person wanted to. */
export function useSignIn() {
  const go = useGo()
  const { next } = useFilters()
  const [isBusy, setBusy] = useState(false)
  const [isByLink, setByLink] = useState(() => tokenOf(location.hash) !== undefined)
  const [failure, setFailure] = useState<{ error: Error; wasLink: boolean }>()
  const [returned, setReturned] = useState<string>()
  const lastToken = useRef<string>(undefined)

  const enter = async (credentials: Parameters<typeof signIn>[0]) => {
    setBusy(true)
    setFailure(undefined)
    try {
      await signIn(credentials)
      queryClient.clear()
      // Only to a page of ours, whatever the address says.
      go(next?.startsWith("/") && !next.startsWith("//") ? next : await startOf(), { isReplaced: true })
    } catch (error) {
      setFailure({ error: error instanceof Error ? error : new Error(String(error)), wasLink: "token" in credentials })
      setByLink(false)
      setBusy(false)
    }
  }

  const enterByLink = useEffectEvent(() => {
    const failed = new URLSearchParams(location.hash.slice(1)).get("failed")
    if (failed !== null) {
      history.replaceState(history.state, "", location.pathname + location.search)
      setReturned(failed in texts ? texts[failed as keyof typeof texts] : texts.AUTHENTICATION_FAILED)
    }
    const token = tokenOf(location.hash)
    if (token === undefined) return
    history.replaceState(history.state, "", location.pathname + location.search)
    if (token === lastToken.current) return
    lastToken.current = token
    setByLink(true)
    void enter({ token })
  })
  useEffect(() => {
    enterByLink()
    // A link that is pasted where this page is open already changes only what stands behind the `#`.
    window.addEventListener("hashchange", enterByLink)
    return () => window.removeEventListener("hashchange", enterByLink)
  }, [])

  return { enter, isBusy, isByLink, failure, returned }
}

/** People of some stores begin there. */
async function startOf(): Promise<string> {
  const me = await queryClient.fetchQuery({ queryKey: ["/v1/me"], queryFn: () => get<Me>("/v1/me") })
  return me.stores ? paths.store() : paths.today()
}

function tokenOf(hash: string): string | undefined {
  return new URLSearchParams(hash.slice(1)).get("token") ?? undefined
}
