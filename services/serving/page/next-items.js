// The list of recommendations. Cards of items that stay are kept and glide to their new places, so
// that the eye can follow what a click has changed.
import { recommendedCard, showStanding } from './item-card.js'

const wantsMotion = !matchMedia('(prefers-reduced-motion: reduce)').matches

/** @returns {(items: object[]) => void} shows an answer's items in the list, best first. */
export function nextItems(list) {
  let cards = new Map()
  let ranksBefore

  return items => {
    const before = new Map([...cards].map(([key, card]) => [key, card.getBoundingClientRect()]))
    cards = new Map(items.map(item => [item.item, cards.get(item.item) ?? cardOf(item)]))
    keepFocus(list, () => list.replaceChildren(...cards.values()))
    showStandings(items, cards, ranksBefore)
    ranksBefore = new Map(items.map(({ item }, rank) => [item, rank]))
    if (wantsMotion) for (const [key, card] of cards) glide(card, before.get(key))
  }
}

function cardOf({ item, attributes }) {
  return recommendedCard({ id: item, attributes })
}

/** Moving an element drops its focus; an element that is gone passes it to the first one. */
function keepFocus(list, change) {
  const focused = list.contains(document.activeElement) && document.activeElement
  change()
  if (!focused) return
  const next = list.contains(focused) ? focused : list.querySelector('button')
  next?.focus({ preventScroll: true })
}

function showStandings(items, cards, ranksBefore) {
  const scores = items.map(({ score }) => score)
  const lowest = Math.min(...scores)
  const span = Math.max(...scores) - lowest || 1
  for (const [rank, { item, score, source }] of items.entries()) {
    const rankBefore = ranksBefore ? ranksBefore.get(item) : rank
    const share = (score - lowest) / span
    showStanding(cards.get(item), { source, score, share, rank, rankBefore })
  }
}

function glide(card, before) {
  const now = card.getBoundingClientRect()
  const frames = before
    ? { transform: [`translate(${before.x - now.x}px, ${before.y - now.y}px)`, 'none'] }
    : { opacity: [0, 1], transform: ['translateY(10px) scale(.98)', 'none'] }
  card.animate(frames, { duration: 380, easing: 'cubic-bezier(.2, .8, .2, 1)' })
}
