/** Splits items, in order, into portions within the limits. An item over the limit is a portion of its own. */
export function* portionsOf<Item>(
  items: readonly Item[],
  most: { members: number; weight: number },
  weightOf: (item: Item) => number,
): Iterable<Item[]> {
  let portion: Item[] = [];
  let weight = 0;
  for (const item of items) {
    const added = weightOf(item);
    if (portion.length > 0 && (portion.length >= most.members || weight + added > most.weight)) {
      yield portion;
      portion = [];
      weight = 0;
    }
    portion.push(item);
    weight += added;
  }
  if (portion.length > 0) yield portion;
}
