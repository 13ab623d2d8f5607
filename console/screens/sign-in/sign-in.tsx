import { useQuery } from "@tanstack/react-query"
import { useEffect } from "react"
import { ApiError } from "../../api/client.ts"
import { signInWays } from "../../api/session.ts"
import { Failed } from "../../parts/failed.tsx"
import { useFilters } from "../../routes/navigation.ts"
import { en } from "../../texts/en.ts"
import { useSignIn } from "./use-sign-in.ts"

const t = en.signIn

/** By the one-time link (its token stands behind the `#`, which no server sees), or by name and password. */
export function SignInScreen() {
  const { enter, isBusy, isByLink, failure, returned } = useSignIn()
  const ways = useQuery({ queryKey: ["/v1/session/ways"], queryFn: ({ signal }) => signInWays(signal) })
  const provider = ways.data?.provider
  const { next } = useFilters()
  useEffect(() => {
    document.title = `${t.title} · ${en.product}`
  }, [])
  return (
    <main className="sign-in">
      <p className="wordmark">{en.product}</p>
      <h1 tabIndex={-1}>{isByLink ? t.byLink : t.title}</h1>
      {returned !== undefined && (
        <p className="wrong" role="alert">
          {returned}
        </p>
      )}
      {!isByLink && provider && (
        <>
          {/* Leaves this page, so it is no link of the console's own. */}
          <a className="button primary" href={provider.address + (next ? `?${new URLSearchParams({ next })}` : "")}>
            {t.at(provider.title)}
          </a>
          <p className="dim">{t.or}</p>
        </>
      )}
      {!isByLink && (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            const fields = new FormData(event.currentTarget)
            if (!isBusy) void enter({ name: textOf(fields, "name"), password: textOf(fields, "password") })
          }}
        >
          <label className="field">
            <span>{t.name}</span>
            <input
              name="name"
              type="text"
              autoComplete="username"
              required
              autoFocus
              autoCapitalize="none"
              spellCheck={false}
            />
          </label>
          <label className="field">
            <span>{t.password}</span>
            <input name="password" type="password" autoComplete="current-password" required />
          </label>
          {failure && <SignInFailed {...failure} />}
          <button type="submit" className={provider ? "button" : "button primary"} aria-disabled={isBusy}>
            {t.submit}
          </button>
        </form>
      )}
      <p className="dim">{t.help}</p>
    </main>
  )
}

function SignInFailed({ error, wasLink }: { error: Error; wasLink: boolean }) {
  if (!(error instanceof ApiError) || error.status !== 401) return <Failed error={error} />
  return (
    <p className="wrong" role="alert">
      {wasLink ? t.linkFailed : t.failed}
    </p>
  )
}

function textOf(fields: FormData, name: string): string {
  const value = fields.get(name)
  return typeof value === "string" ? value : ""
}
