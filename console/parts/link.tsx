import { useRouter } from "@tanstack/react-router"
import type { ComponentProps } from "react"
import { useGo } from "../routes/navigation.ts"

/** A link to an address of the path builder. Its screen is fetched as soon as somebody is about to follow it. */
export function Link({ to, onClick, ...rest }: Omit<ComponentProps<"a">, "href"> & { to: string }) {
  const router = useRouter()
  const go = useGo()
  const prepare = () => void router.preloadRoute({ to: to.split("?")[0] ?? to } as never).catch(() => undefined)
  return (
    <a
      {...rest}
      href={`${router.basepath}${to}`}
      onPointerEnter={prepare}
      onFocus={prepare}
      onClick={(event) => {
        onClick?.(event)
        const isForBrowser = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0
        if (isForBrowser || event.defaultPrevented) return
        event.preventDefault()
        go(to)
      }}
    />
  )
}
