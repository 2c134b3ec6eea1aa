// The visitor's session, kept in this tab: a reload goes on with it, a new tab starts its own.

const place = 'nextrie-session'

/** @typedef {{ id: string, trail: object[] }} Session trail: the items clicked, oldest first */

/** @returns {Session} the one this tab had, or a new one. */
export function currentSession() {
  const kept = sessionStorage.getItem(place)
  return kept ? JSON.parse(kept) : newSession()
}

/** @returns {Session} a new one, which is now this tab's. */
export function newSession() {
  return keep({ id: `page-${crypto.randomUUID().slice(0, 13)}`, trail: [] })
}

/** @returns {Session} the session with one more click. */
export function withClick(session, item) {
  return keep({ ...session, trail: [...session.trail, item] })
}

function keep(session) {
  sessionStorage.setItem(place, JSON.stringify(session))
  return session
}
