// Where a program listens, as others ask it.

/** `http://127.0.0.1:8080`; an IPv6 address gets the brackets that a URL wants around it. */
export function urlOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
