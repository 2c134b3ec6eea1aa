// An item in words. Catalogues differ, and no attribute is sure to be there.

/** Shown elsewhere on the card, or too long for it. */
const shownElsewhere = new Set(['title', 'name', 'categories', 'category', 'price', 'description'])
const mostChips = 3
/** What people look for first comes first. */
const firstShown = ['brand', 'colour', 'color', 'material', 'size']

/** @returns {string} its title, or its key where it has none. */
export function nameOf({ id, attributes }) {
  return String(attributes.title ?? attributes.name ?? id)
}

/** @returns {string[]} its path from the root of the category tree; may be empty. */
export function categoriesOf({ attributes }) {
  const path = attributes.categories ?? attributes.category ?? []
  return Array.isArray(path) ? path : [String(path)]
}

/** @returns {string} the price as people write it; empty where there is none. */
export function priceOf({ attributes }) {
  const { price, currency } = attributes
  if (typeof price !== 'number') return ''
  const amount = price.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
  return typeof currency === 'string' ? `${amount} ${currency}` : amount
}

/** @returns {{ name: string, value: string }[]} a few other attributes. */
export function chipsOf({ attributes }) {
  return Object.entries(attributes)
    .filter(([name, value]) => !shownElsewhere.has(name) && value !== false && value !== 'no')
    .sort(([a], [b]) => urgency(a) - urgency(b))
    .map(([name, value]) => chipOf(name.replaceAll('_', ' '), value))
    .filter(({ value }) => value.length > 0 && value.length <= 36)
    .slice(0, mostChips)
}

function urgency(name) {
  const place = firstShown.indexOf(name)
  return place < 0 ? firstShown.length : place
}

/** A number or a yes says nothing without its name. */
function chipOf(name, value) {
  if (value === true || value === 'yes') return { name, value: name }
  if (typeof value === 'number' || /^\d+$/.test(value)) return { name, value: `${name} ${value}` }
  return { name, value: Array.isArray(value) ? value.slice(0, 3).join(', ') : value }
}

/** @returns {string} all of an item in lower case, for the search. */
export function searchTextOf(item) {
  return `${item.id} ${Object.values(item.attributes).flat().join(' ')}`.toLowerCase()
}
