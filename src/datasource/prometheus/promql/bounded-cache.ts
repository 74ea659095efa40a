/** Values by text, within a budget of characters. */
export interface BoundedCache<Value> {
  get(key: string): Value | undefined;
  /**
   * Keeps the value if there is room; returns it either way. `characters` is about how much text is held with it, the
   * key included.
   */
  put(key: string, value: Value, characters: number): Value;
}

/** What an entry takes besides its text, in characters. */
const OVERHEAD = 100;

/**
 * So many entries' worth of values had to be computed though the cache was full: then what it holds is old, or as good
 * as any other.
 */
const TURNS_BEFORE_CLEARING = 4;

/**
 * A cache for values that are asked for in turns, all of them again and again. Such turns would empty a cache that
 * makes room for the latest: each would find nothing of the turn before. So what is held stays, and only when much was
 * turned away does everything go.
 */
export function createBoundedCache<Value>(maxCharacters: number): BoundedCache<Value> {
  const held = new Map<string, Value>();
  let characters = 0;
  let turnedAway = 0;
  return {
    get: (key) => held.get(key),
    put(key, value, added) {
      if (characters + added + OVERHEAD > maxCharacters) {
        turnedAway += 1;
        if (turnedAway <= TURNS_BEFORE_CLEARING * held.size) return value;
        held.clear();
        characters = 0;
        turnedAway = 0;
      }
      if (added + OVERHEAD > maxCharacters) return value;
      held.set(key, value);
      characters += added + OVERHEAD;
      return value;
    },
  };
}
