import { ApiError } from "./api-error.ts";

/** A part of a listing, and what asks for the part after it. */
export interface Page {
  readonly items: readonly string[];
  /** Value of a Link header; absent on the last page. */
  readonly link: string | undefined;
}

/**
 * Cuts a page out of a listing by the parameters `n` (its length) and `last` (what came before it), in alphabetic order
 * regardless of case. Distribution spec 1.1, "Listing Tags".
 * @throws {ApiError} PAGINATION_NUMBER_INVALID
 */
export function pageOf(all: readonly string[], url: URL): Page {
  const sorted = [...all].sort(compareNames);
  const last = url.searchParams.get("last");
  const following = last === null ? sorted : sorted.filter((item) => compareNames(item, last) > 0);
  const limit = parseLimit(url.searchParams.get("n"));
  const items = following.slice(0, limit);
  const end = items.at(-1);
  if (end === undefined || items.length === following.length) return { items, link: undefined };
  const query = new URLSearchParams({ last: end, n: `${limit}` });
  return { items, link: `<${url.pathname}?${query}>; rel="next"` };
}

function parseLimit(text: string | null): number {
  if (text === null) return Number.POSITIVE_INFINITY;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new ApiError("PAGINATION_NUMBER_INVALID", { details: [{ n: text }] });
}

function compareNames(one: string, other: string): number {
  const [first, second] = [one.toLowerCase(), other.toLowerCase()];
  if (first === second) return compareText(one, other);
  return compareText(first, second);
}

function compareText(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
