import { Outlet, useRouterState } from "@tanstack/react-router"
import { useEffect, useRef, useState } from "react"
import { ApiError } from "../api/client.ts"
import { useMe } from "../api/session.ts"
import { queryClient } from "../api/use-api.ts"
import { beLive } from "../live/live.ts"
import { Failed } from "../parts/failed.tsx"
import { useGo } from "../routes/navigation.ts"
import { paths } from "../routes/paths.ts"
import { en } from "../texts/en.ts"
import { FindBox } from "./find-box.tsx"
import { GlobalKeys } from "./global-keys.tsx"
import { Menu, PhoneTabs } from "./menu.tsx"
import { useKeptFocus } from "./kept-focus.ts"

/** What stands around every screen: the menu, the find box, and nothing for who is not signed in. */
export function Desk() {
  const me = useMe()
  const go = useGo()
  const here = useRouterState({ select: ({ location }) => location })
  const [isMenuOpen, setMenuOpen] = useState(false)
  const isSignedOut = me.error instanceof ApiError && me.error.status === 401
  // The address changes before this is gone: it must not be taken for one to come back to.
  const isLeaving = useRef(false)
  useKeptFocus()
  const person = me.data?.id
  useEffect(() => (person === undefined ? undefined : beLive(queryClient, person)), [person])
  useEffect(() => setMenuOpen(false), [here.pathname])
  useEffect(() => {
    if (!isSignedOut || isLeaving.current) return
    isLeaving.current = true
    go(paths.signIn(here.href.replace(/^\/console/, "")), { isReplaced: true })
  }, [isSignedOut, go, here.href])
  if (isSignedOut) return null
  if (me.isError && !me.data) return <Failed error={me.error} onRetry={() => void me.refetch()} />
  return (
    <div className="desk">
      <a className="skip" href="#content">
        {en.menu.skip}
      </a>
      <Menu isOpen={isMenuOpen} onClose={() => setMenuOpen(false)} />
      <header className="top">
        <button
          type="button"
          className="button quiet menu-button"
          onClick={() => setMenuOpen(!isMenuOpen)}
          aria-expanded={isMenuOpen}
        >
          <span className="wordmark">{en.product}</span>
          <span className="unseen">{en.menu.open}</span>
        </button>
        <FindBox />
      </header>
      <main id="content" tabIndex={-1}>
        <Outlet />
      </main>
      <PhoneTabs onMore={() => setMenuOpen(true)} />
      <GlobalKeys />
    </div>
  )
}
