/** What readers of configuration tell besides their result. No message holds a secret. */
export interface ConfigurationListener {
  /** What was read and found; for `--debug`. */
  debug?(message: string): void;
  /** What the user should mend, although it stops nothing. */
  warning?(message: string): void;
}
