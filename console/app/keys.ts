import { useLayoutEffect } from "react"
import { useSettings } from "../format/settings.ts"

type Keys = Readonly<Record<string, () => void>>

/** How long a second key of a pair ("g e") may take: also for slow hands and a slow machine. No key of a pair is a key by itself. */
const pairMs = 3000

function isTyping({ target }: KeyboardEvent): boolean {
  return (
    target instanceof HTMLElement && target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]")
  )
}

/** Keys of a page: "j", "?", or pairs such as "g e". Off while somebody types, in dialogs and menus, and by the person's setting. */
export function useKeys(keys: Keys): void {
  const { hasSingleKeys } = useSettings()
  // Not useEffect: whoever sees the rows may press a key at once.
  useLayoutEffect(() => {
    if (!hasSingleKeys) return
    let first = ""
    let firstAt = 0
    const listen = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event)) return
      if (document.querySelector("[role=dialog], [role=menu]")) return
      const pair = event.timeStamp - firstAt < pairMs ? `${first} ${event.key}` : ""
      const act = keys[pair] ?? keys[event.key]
      first = event.key
      firstAt = event.timeStamp
      if (!act) return
      event.preventDefault()
      act()
    }
    document.addEventListener("keydown", listen)
    return () => document.removeEventListener("keydown", listen)
  }, [keys, hasSingleKeys])
}
