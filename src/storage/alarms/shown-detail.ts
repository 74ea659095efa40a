import { hasSecretParts, scrubAction } from '../../alarm/action-text.js';
import { pythonJson } from '../../alarm/wire/python-json.js';

/** A list of actions in the JSON text of a detail. It never matches in a text value, where quotes are escaped. */
const ACTION_LISTS = /("(?:ok|alarm|insufficient_data)_actions": \[)((?:"(?:[^"\\]|\\.)*"(?:, )?)*)(?=\])/g;
const TEXTS = /"(?:[^"\\]|\\.)*"/g;

/** The detail of a history entry without the secret parts of its actions. Every other byte stays. */
export function shownDetail(detail: string): string {
  return detail.replace(ACTION_LISTS, (_, key: string, list: string) => key + list.replace(TEXTS, shownText));
}

function shownText(text: string): string {
  const action = JSON.parse(text) as string;
  return hasSecretParts(action) ? pythonJson(scrubAction(action)) : text;
}
