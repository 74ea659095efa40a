/** Time spans up to now, in seconds, by their names in addresses. */
export const SPAN_SECONDS: Readonly<Record<'1h' | '6h' | '24h' | '7d', number> & Record<string, number | undefined>> = {
  '1h': 3_600,
  '6h': 21_600,
  '24h': 86_400,
  '7d': 604_800,
};
