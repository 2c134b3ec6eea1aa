// The catalogue below the recommendations: categories to choose from, a search, and more on demand.
import { call } from './api.js'
import { categoriesOf, searchTextOf } from './describe-item.js'
import { element, itemCard } from './item-card.js'

const shownAtOnce = 24
const mostTabs = 8
/** Items asked for at once; the search sees only what was read. */
const pageSize = 1000
const lookAgainMs = 2000

/**
 * @param {Record<string, HTMLElement>} parts grid, tabs, search, more, nothing
 * @returns {Promise<Map<string, object>>} the items by key, growing as more are read
 */
export async function showCatalogue(parts) {
  const items = new Map()
  const view = { level: 0, category: undefined, text: '', shown: shownAtOnce, next: undefined }

  const read = async () => {
    const after = view.next === undefined ? '' : `&after=${encodeURIComponent(view.next)}`
    const { ok, body } = await call('GET', `/v1/items?limit=${pageSize}${after}`)
    if (!ok) return false
    for (const item of body.items) items.set(item.id, item)
    view.next = body.next
    return true
  }
  const show = () => {
    const found = fitting([...items.values()], view)
    parts.grid.replaceChildren(...found.slice(0, view.shown).map(itemCard))
    parts.nothing.hidden = found.length > 0
    parts.more.hidden = found.length <= view.shown && view.next === undefined
    for (const button of parts.tabs.children) {
      button.ariaPressed = String(button.dataset.category === (view.category ?? ''))
    }
  }
  const choose = category => {
    view.category = category
    view.shown = shownAtOnce
    show()
  }
  parts.search.addEventListener('input', () => {
    view.text = parts.search.value.trim().toLowerCase()
    view.shown = shownAtOnce
    show()
  })
  parts.more.addEventListener('click', async () => {
    view.shown += shownAtOnce
    const found = fitting([...items.values()], view)
    if (found.length < view.shown && view.next !== undefined) await read()
    show()
  })
  while (!(await read())) await new Promise(resolve => setTimeout(resolve, lookAgainMs))
  view.level = tellingLevel([...items.values()])
  showTabs(parts.tabs, [...items.values()], view.level, choose)
  show()
  return items
}

function fitting(items, { level, category, text }) {
  const found = items.filter(
    item =>
      (category === undefined || categoriesOf(item)[level] === category) &&
      (text === '' || searchTextOf(item).includes(text))
  )
  return category === undefined ? mixed(found, level) : found
}

/** One of each category in turn: a list by key would show one category only. */
function mixed(items, level) {
  const groups = [...Map.groupBy(items, item => categoriesOf(item)[level]).values()]
  const longest = Math.max(0, ...groups.map(group => group.length))
  return Array.from({ length: longest }, (_, i) => groups.flatMap(group => group[i] ?? [])).flat()
}

/** The first level of the category tree that tells items apart: many trees have a single root. */
function tellingLevel(items) {
  const paths = items.map(categoriesOf)
  const longest = Math.max(0, ...paths.map(path => path.length))
  for (let level = 0; level < longest; level++) {
    if (new Set(paths.map(path => path[level])).size > 1) return level
  }
  return 0
}

/** The categories with the most items, after "All". */
function showTabs(tabs, items, level, choose) {
  const groups = [...Map.groupBy(items, item => categoriesOf(item)[level])]
    .filter(([name]) => name !== undefined)
    .sort(([, a], [, b]) => b.length - a.length)
  const names = [undefined, ...groups.slice(0, mostTabs).map(([name]) => name)]
  tabs.replaceChildren(...names.map(name => tab(name, () => choose(name))))
}

function tab(category, choose) {
  const button = element('button', 'tab', category ?? 'All')
  button.type = 'button'
  button.dataset.category = category ?? ''
  button.addEventListener('click', choose)
  return button
}
