/**
 * At most `atMost` items: the first one of each group, then the second one of each, and so on. A group that has ended
 * is not read again, so the cost grows with the items and the groups, and not with their product.
 */
export function roundRobin<Item>(groups: Iterable<Iterable<Item>>, atMost: number): Item[] {
  const picked: Item[] = [];
  let open = Array.from(groups, (group) => group[Symbol.iterator]());
  while (open.length > 0 && picked.length < atMost) {
    open = open.slice(0, atMost - picked.length).filter((group) => {
      const next = group.next();
      if (next.done !== true) picked.push(next.value);
      return next.done !== true;
    });
  }
  return picked;
}
