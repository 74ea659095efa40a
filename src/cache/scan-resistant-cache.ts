/** Values by text, within a budget of characters. */
export interface ScanResistantCache<Value> {
  get(key: string): Value | undefined;
  /**
   * Stores the value if there is room, and returns it in any case. `characters` is about how much text it holds, the
   * key included.
   */
  put(key: string, value: Value, characters: number): Value;
}

/** Size of an entry besides its text, in characters. */
const OVERHEAD = 100;

/**
 * The cache is cleared when this many values per entry were not stored, since then its entries are outdated, or no
 * better than others.
 */
const REJECTED_PER_ENTRY = 4;

/**
 * A cache for values that are read one after the other, all of them again and again. An LRU cache that is too small for
 * such a scan would be useless: each scan would find none of the values of the scan before. So entries stay, new values
 * are rejected when it is full, and it is cleared after many rejections.
 */
export function createScanResistantCache<Value>(maxCharacters: number): ScanResistantCache<Value> {
  const entries = new Map<string, Value>();
  let characters = 0;
  let rejected = 0;
  return {
    get: (key) => entries.get(key),
    put(key, value, added) {
      if (characters + added + OVERHEAD > maxCharacters) {
        rejected += 1;
        if (rejected <= REJECTED_PER_ENTRY * entries.size) return value;
        entries.clear();
        characters = 0;
        rejected = 0;
      }
      if (added + OVERHEAD > maxCharacters) return value;
      entries.set(key, value);
      characters += added + OVERHEAD;
      return value;
    },
  };
}
