import { useRef, useState } from "react"

/** What a button or form does: once at a time, and what failed stays to be told. */
export function useAct() {
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<Error>()
  const isUnderWay = useRef(false)
  /** Whether it was done. A click while it is under way does nothing. */
  const run = async (act: () => Promise<unknown>): Promise<boolean> => {
    if (isUnderWay.current) return false
    isUnderWay.current = true
    setBusy(true)
    setError(undefined)
    try {
      await act()
      return true
    } catch (failure) {
      setError(failure instanceof Error ? failure : new Error(String(failure)))
      return false
    } finally {
      isUnderWay.current = false
      setBusy(false)
    }
  }
  return { isBusy, error, run }
}
