import { lazy, Suspense, useEffect, useMemo, useState } from "react"
import { changeSettings, useSettings } from "../format/settings.ts"
import { Dialog } from "../parts/dialog.tsx"
import { useGo } from "../routes/navigation.ts"
import { paths } from "../routes/paths.ts"
import { en } from "../texts/en.ts"
import { findBoxId } from "./find-box.tsx"
import { useKeys } from "./keys.ts"

// Fetched when somebody asks for it.
const Commands = lazy(async () => ({ default: (await import("./commands.tsx")).Commands }))

function focusFindBox(): void {
  const box = document.getElementById(findBoxId)
  if (box instanceof HTMLInputElement) box.select()
  box?.focus()
}

/** The keys that work on every screen, and the page that names them. */
export function GlobalKeys() {
  const go = useGo()
  const [isHelpOpen, setHelpOpen] = useState(false)
  const [isCommandsOpen, setCommandsOpen] = useState(false)
  const keys = useMemo(
    () => ({
      "/": focusFindBox,
      "?": () => setHelpOpen(true),
      "g t": () => go(paths.today()),
      "g e": () => go(paths.exceptions()),
      "g o": () => go(paths.orders()),
      "g s": () => go(paths.stock()),
      "g b": () => go(paths.books()),
      "g c": () => go(paths.connections()),
      "g f": () => go(paths.flows()),
    }),
    [go],
  )
  useKeys(keys)
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.key !== "k") return
      if (document.querySelector("[role=dialog]")) return
      event.preventDefault()
      setCommandsOpen(true)
    }
    document.addEventListener("keydown", listen)
    return () => document.removeEventListener("keydown", listen)
  }, [])
  if (isCommandsOpen)
    return (
      <Suspense>
        <Commands onClose={() => setCommandsOpen(false)} />
      </Suspense>
    )
  return isHelpOpen ? <KeyHelp onClose={() => setHelpOpen(false)} /> : null
}

function KeyHelp({ onClose }: { onClose: () => void }) {
  const { hasSingleKeys } = useSettings()
  return (
    <Dialog title={en.keys.title} onClose={onClose}>
      <dl className="keys">
        {Object.entries(en.keys.rows).map(([keys, does]) => (
          <div key={keys}>
            <dt>
              {keys.split(" ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label className="check">
        <input
          type="checkbox"
          checked={hasSingleKeys}
          onChange={({ target }) => changeSettings({ hasSingleKeys: target.checked })}
        />
        {en.keys.single}
      </label>
    </Dialog>
  )
}
