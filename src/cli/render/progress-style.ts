import { FlagError } from "../command.ts";
import { quote } from "../go-text.ts";

/** How progress looks: `auto` means bars on a terminal and plain lines elsewhere. */
export type ProgressStyle = "auto" | "plain" | "bars" | "json";

/** The value of `--progress`. @throws {FlagError} */
export function parseProgressStyle(text: string | undefined): ProgressStyle {
  switch (text) {
    case undefined:
      return "auto";
    case "auto":
    case "plain":
    case "bars":
    case "json":
      return text;
    default:
      throw new FlagError(
        `unknown progress style ${quote(text)}. Choose one of 'auto', 'plain', 'bars', or 'json'`,
      );
  }
}
