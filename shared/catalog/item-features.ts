// Reads the values of an item's features: the bridge from a catalogue row to the embedding table.
import { type Feature, pathPrefix } from './derive-features.ts'
import { type AttributeValue, attributeOf, type Item } from './item.ts'
import { wordsOf } from './words.ts'

/** One value of a feature. The weights of a bag have length 1, so that long texts do not shout. */
export interface WeightedValue {
  readonly value: string
  readonly weight: number
}

/** For each feature, its values in this item; none when the item lacks the attribute. */
export function itemFeatures(item: Item, features: readonly Feature[]): WeightedValue[][] {
  return features.map(feature => {
    const attribute = attributeOf(item, feature.attribute)
    return attribute === undefined ? [] : valuesOf(attribute, feature)
  })
}

function valuesOf(attribute: AttributeValue, feature: Feature): WeightedValue[] {
  switch (feature.kind) {
    case 'path': {
      const path = listOf(attribute)
      if (path.length < feature.depth) return []
      return [{ value: pathPrefix(path, feature.depth), weight: 1 }]
    }
    case 'number':
      return [{ value: String(quantileOf(Number(attribute), feature.boundaries)), weight: 1 }]
    case 'label':
      return unitLength([...new Set(listOf(attribute))].map(value => ({ value, weight: 1 })))
    case 'text':
      return unitLength(weighWords(wordsOf(listOf(attribute).join(' ')), feature))
  }
}

function listOf(attribute: AttributeValue): readonly string[] {
  return typeof attribute === 'object' ? attribute : [String(attribute)]
}

/** Number of boundaries at or below the value; a value that is no number counts as below all. */
function quantileOf(value: number, boundaries: readonly number[]): number {
  return boundaries.filter(boundary => value >= boundary).length
}

function weighWords(
  words: readonly string[],
  feature: Feature & { kind: 'text' }
): WeightedValue[] {
  return [...new Set(words)].map(value => {
    // Every object has a `constructor`: it is a count only when it is an own one.
    const count = Object.hasOwn(feature.documentCounts, value) ? feature.documentCounts[value]! : 1
    return { value, weight: Math.log(1 + feature.catalogSize / count) }
  })
}

function unitLength(values: WeightedValue[]): WeightedValue[] {
  const length = Math.sqrt(values.reduce((sum, { weight }) => sum + weight ** 2, 0))
  return values.map(({ value, weight }) => ({ value, weight: weight / length }))
}
