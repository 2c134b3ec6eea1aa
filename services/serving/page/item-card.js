// The cards that items are shown on. Texts go in as text, never as HTML.
import { categoriesOf, chipsOf, nameOf, priceOf } from './describe-item.js'
import { drawItem } from './draw-item.js'

/** @returns {HTMLLIElement} a card of the catalogue; the whole card is one button. */
export function itemCard(item) {
  const words = element('span', 'words', [
    element('span', 'name', nameOf(item)),
    element('span', 'price', priceOf(item)),
    element('span', 'category', categoriesOf(item).slice(-1).join('')),
    element('span', 'chips', chipsOf(item).map(chip))
  ])
  const button = element('button', 'card', [drawItem(item), words])
  button.type = 'button'
  button.dataset.item = item.id
  button.title = Object.entries(item.attributes)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n')
  return element('li', '', [button])
}

/** @returns {HTMLLIElement} a card with room for the figures that showStanding fills in, and to ask why. */
export function recommendedCard(item) {
  const card = itemCard(item)
  const bar = element('span', 'bar', [element('span', 'length')])
  const figures = [element('span', 'source'), element('span', 'score'), bar]
  card.firstElementChild.prepend(element('span', 'move'))
  card.firstElementChild.append(element('span', 'standing', figures))
  const why = element('button', 'why', 'Why?')
  why.type = 'button'
  why.dataset.why = item.id
  why.ariaLabel = `Why ${nameOf(item)}?`
  card.append(why)
  return card
}

/**
 * Shows where an item stands in an answer.
 *
 * @param {{ source: string, score: number, share: number, rank: number, rankBefore: number | undefined }} standing
 *   `share` is in [0, 1], the score between the answer's lowest and highest.
 */
export function showStanding(card, { source, score, share, rank, rankBefore }) {
  const part = name => card.querySelector(`.${name}`)
  card.firstElementChild.dataset.source = source
  card.firstElementChild.dataset.rank = String(rank)
  part('source').textContent = source
  part('score').textContent = Math.abs(score) >= 100 ? score.toFixed(0) : score.toFixed(3)
  part('length').style.width = `${Math.round(8 + 92 * share)}%`
  part('move').textContent = moveOf(rank, rankBefore)
}

function moveOf(rank, rankBefore) {
  if (rankBefore === undefined) return 'new'
  if (rank === rankBefore) return ''
  return rank < rankBefore ? `▲ ${rankBefore - rank}` : `▼ ${rank - rankBefore}`
}

function chip({ name, value }) {
  const span = element('span', 'chip', value)
  span.title = name
  return span
}

/** @param {string | Node[]} content */
export function element(tag, className, content = []) {
  const made = document.createElement(tag)
  if (className) made.className = className
  made.append(...(typeof content === 'string' ? [content] : content))
  return made
}
