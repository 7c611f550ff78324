import { errorMessage, findCause, ImageError } from "../../core/errors.ts";
import { ImageNotFoundError } from "../../core/not-found.ts";
import { Cancelled } from "../cancellation.ts";
import { CodedFailure, type Command, FlagError, UsageError } from "../command.ts";

/** How a run ends: the text of its fatal record, and its exit code. */
export interface Failure {
  readonly message: string;
  readonly exitCode: number;
}

const FAILURE = 1;
const IMAGE_NOT_FOUND = 2;

/** Words anything that a command may throw. `command` decides which flags a hint may name. cli.md 1.2. */
export function describeFailure(error: unknown, command?: Command): Failure {
  const cancelled = findCause(error, Cancelled);
  if (cancelled !== undefined) return { message: errorMessage(error), exitCode: cancelled.exitCode };
  if (error instanceof FlagError || error instanceof UsageError) {
    return { message: error.message, exitCode: FAILURE };
  }
  if (error instanceof CodedFailure) return { message: error.message, exitCode: error.exitCode };
  const hint = hintFor(error, command);
  return {
    message: `${isDefect(error) ? "internal error: " : ""}${errorMessage(error)}${hint ? `\nHint: ${hint}` : ""}`,
    exitCode: findCause(error, ImageNotFoundError) === undefined ? FAILURE : IMAGE_NOT_FOUND,
  };
}

/** Errors of the language itself come from mistakes in this program. */
function isDefect(error: unknown): boolean {
  return error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
}

const ABOUT_SIGNATURES: ReadonlySet<string> = new Set(["SIGNATURE_INVALID", "POLICY_REJECTED"]);

function hintFor(error: unknown, command: Command | undefined): string | undefined {
  // Certificates of signatures are the policy's business.
  if (error instanceof ImageError && ABOUT_SIGNATURES.has(error.code)) return undefined;
  const text = errorMessage(error);
  if (text.includes("certificate signed by unknown authority")) {
    const own = `trust its authority with ${flagNames(command, "cert-dir", " DIR")}`;
    return `${own}, or any certificate with ${flagNames(command, "tls-verify", "=false")}`;
  }
  if (text.includes("server gave HTTP response to HTTPS client")) {
    return `if the registry speaks plain HTTP, allow that with ${flagNames(command, "tls-verify", "=false")}`;
  }
  if (!(error instanceof ImageError)) return undefined;
  if (error.code === "UNAUTHORIZED" && command?.name !== "login" && command?.name !== "logout") {
    return `log in with skopeo login, or with ${flagNames(command, "creds", " USER:PASSWORD")}, or name a file of credentials with --authfile`;
  }
  if (error.code === "NO_MATCHING_INSTANCE") {
    return "choose another platform with --override-os, --override-arch and --override-variant";
  }
  return undefined;
}

/** `--cert-dir DIR`, or `--src-cert-dir DIR or --dest-cert-dir DIR` where the command has two sides. */
function flagNames(command: Command | undefined, name: string, value: string): string {
  const names = [`src-${name}`, `dest-${name}`].filter((key) => Object.hasOwn(command?.flags ?? {}, key));
  return (names.length === 0 ? [name] : names).map((key) => `--${key}${value}`).join(" or ");
}
