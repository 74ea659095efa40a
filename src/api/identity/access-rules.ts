import { RE2JS } from 're2js';

import { withoutTrailingSlash } from '../http/request-target.js';

/** One kind of request that an application credential of Keystone allows. */
export interface AccessRule {
  service: string;
  method: string;
  path: string;
}

/** The request that is compared with access rules. `path` is normalised. */
export interface AccessedRequest {
  serviceType: string;
  method: string;
  path: string;
}

/** True if one of the rules allows the request. An empty list allows no request. */
export function isPermitted(rules: readonly AccessRule[], { serviceType, method, path }: AccessedRequest): boolean {
  if (serviceType === '') return false;
  return rules.some((rule) => rule.service === serviceType && rule.method === method && matches(rule.path, path));
}

/**
 * True if the pattern of an access rule matches a normalised path. Trailing slashes of the pattern are ignored.
 * `{name}` and `*` match one segment, `**` any number of them. The engine takes linear time, since users write the
 * patterns.
 */
function matches(pattern: string, path: string): boolean {
  const parts = withoutTrailingSlash(pattern).match(/\{[^{}]*\}|\*\*|\*|[^{}*]+/g) ?? [];
  return RE2JS.matches(parts.map(expressionOf).join(''), path);
}

function expressionOf(part: string): string {
  if (part === '**') return '.*';
  return part === '*' || part.startsWith('{') ? '[^/]+' : RE2JS.quote(part);
}
