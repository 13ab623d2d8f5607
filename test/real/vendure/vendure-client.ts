/** Sends one GraphQL operation and answers its `data`; top-level errors are thrown, error unions are the caller's. */
export type GraphqlClient = <Data>(query: string, variables?: Record<string, unknown>) => Promise<Data>

/** A client of one Vendure API that keeps the session token the server hands out, as a browser would. */
export function graphqlClient(endpoint: string, timeoutMs = 30_000): GraphqlClient {
  let token: string | undefined
  return async <Data>(query: string, variables: Record<string, unknown> = {}): Promise<Data> => {
    const headers: Record<string, string> = { "content-type": "application/json" }
    if (token !== undefined) headers["authorization"] = `Bearer ${token}`
    const response = await fetch(endpoint, {
      method: "POST",
      headers,
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(timeoutMs),
    })
    token = response.headers.get("vendure-auth-token") ?? token
    const text = await response.text()
    if (!text.startsWith("{")) throw new Error(`Vendure answered ${response.status}: ${text.slice(0, 200)}`)
    // The cast: the caller knows the shape of the operation it sends.
    const answer = JSON.parse(text) as { data?: Data; errors?: { message: string }[] }
    if (answer.errors !== undefined || answer.data === undefined) {
      throw new Error(`Vendure answered ${response.status}: ${JSON.stringify(answer.errors).slice(0, 500)}`)
    }
    return answer.data
  }
}

/** Logs in to the admin API. */
export async function adminClient(
  url: string,
  credentials: { user: string; password: string },
): Promise<GraphqlClient> {
  const send = graphqlClient(`${url}/admin-api`)
  const { login } = await send<{ login: { __typename: string } }>(
    `mutation ($user: String!, $password: String!) { login(username: $user, password: $password) { __typename } }`,
    credentials,
  )
  if (login.__typename !== "CurrentUser") throw new Error(`Vendure refused the login: ${login.__typename}`)
  return send
}
