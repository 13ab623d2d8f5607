import { useRouter } from "@tanstack/react-router"
import { useEffect } from "react"

/** How long a list may take to be there again. */
const patienceMs = 2000

/** Brings the focus back to the link somebody went away by, when they come back; elsewhere the page's title gets it. */
export function useKeptFocus(): void {
  const router = useRouter()
  useEffect(() => {
    const leftBy = new Map<string, string>()
    const before = router.subscribe("onBeforeNavigate", ({ fromLocation }) => {
      const link = document.activeElement?.closest("a[href]")?.getAttribute("href")
      if (fromLocation && link) leftBy.set(fromLocation.href, link)
    })
    const after = router.subscribe("onRendered", ({ fromLocation, toLocation }) => {
      if (!fromLocation || fromLocation.pathname === toLocation.pathname) return
      focusWhenThere(leftBy.get(toLocation.href), performance.now() + patienceMs)
    })
    return () => {
      before()
      after()
    }
  }, [router])
}

function focusWhenThere(href: string | undefined, untilMs: number): void {
  // Whoever has gone on with something else meanwhile is left alone.
  if (document.activeElement !== document.body && document.activeElement?.closest("main")) return
  const link = href === undefined ? null : document.querySelector(`main a[href="${CSS.escape(href)}"]`)
  const found = link ?? (href === undefined || performance.now() > untilMs ? document.querySelector("main h1") : null)
  if (found instanceof HTMLElement) found.focus({ preventScroll: link === null })
  else if (performance.now() < untilMs + patienceMs) requestAnimationFrame(() => focusWhenThere(href, untilMs))
}
