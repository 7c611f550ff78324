/** Whether the whole of `text` fits a pattern of `*`, `?` and literal characters. Takes time in proportion to both. */
export function matchesGlob(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  /** Where to go on when what follows the last `*` does not fit here. */
  let retry: { pattern: number; text: number } | undefined;
  while (t < text.length) {
    const wanted = pattern[p];
    if (wanted === "*") {
      retry = { pattern: ++p, text: t };
    } else if (wanted === "?" || wanted === text[t]) {
      p++;
      t++;
    } else if (retry !== undefined) {
      p = retry.pattern;
      t = ++retry.text;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(p));
}
