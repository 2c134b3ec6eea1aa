// The API key that this tab sends, where the service wants one. It stays in the tab: sessionStorage ends
// with it, and the key is never shown again.

const place = 'nextrie-api-key'

/** @returns {string | undefined} the key, if one was given. */
export function currentKey() {
  return sessionStorage.getItem(place) ?? undefined
}

/**
 * Lets the form take a key.
 *
 * @param {HTMLFormElement} form with one input named `key`
 * @param {() => void} onKey called when there is another one
 */
export function askForKey(form, onKey) {
  form.addEventListener('submit', event => {
    event.preventDefault() // nothing is sent anywhere
    const { key } = form.elements
    sessionStorage.setItem(place, key.value.trim())
    form.reset()
    onKey()
  })
}
