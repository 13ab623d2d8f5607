import { useRef } from "react"
import { Icon } from "../parts/icon.tsx"
import { useFilters, useGo } from "../routes/navigation.ts"
import { paths } from "../routes/paths.ts"
import { en } from "../texts/en.ts"

export const findBoxId = "find-box"

/** Takes any id or number, from every screen. */
export function FindBox() {
  const go = useGo()
  const { q = "" } = useFilters()
  const field = useRef<HTMLInputElement>(null)
  return (
    <form
      role="search"
      className="find-box"
      onSubmit={(event) => {
        event.preventDefault()
        const text = field.current?.value.trim() ?? ""
        if (text !== "") go(paths.find(text))
      }}
    >
      <Icon name="find" />
      <input
        // A find from elsewhere shows its text here, too.
        key={q}
        ref={field}
        id={findBoxId}
        type="search"
        defaultValue={q}
        aria-label={en.find.hint}
        placeholder={en.find.short}
        autoComplete="off"
        spellCheck={false}
      />
      <kbd aria-hidden="true">/</kbd>
    </form>
  )
}
