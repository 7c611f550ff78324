/** What goes wrong with one exchange. Positions are bytes of the answer's body, times milliseconds. */
export type Fault =
  | { readonly kind: "delay"; readonly time: number }
  /** Not even a head. */
  | { readonly kind: "silence" }
  /** After so many bytes nothing more comes, and the connection stays. */
  | { readonly kind: "stall"; readonly after: number }
  | { readonly kind: "reset"; readonly after: number }
  /** The registry does what was asked; its answer is lost. */
  | { readonly kind: "lost answer" }
  /** The connection breaks before the registry has seen the request. */
  | { readonly kind: "lost request" }
  /** The body ends early; `honest` when Content-Length says so too. */
  | { readonly kind: "truncate"; readonly after: number; readonly honest: boolean }
  /** The registry stops to send, and goes on to listen. */
  | { readonly kind: "half-close"; readonly after: number }
  | { readonly kind: "flip bit"; readonly at: number }
  /** A bit of what the client sends. */
  | { readonly kind: "flip sent bit"; readonly at: number }
  | { readonly kind: "content length"; readonly delta: number }
  | { readonly kind: "headers"; readonly headers: readonly (readonly [name: string, value: string])[] }
  | { readonly kind: "range"; readonly answer: "whole" | "another part" | "refused" }
  /** One byte of the head at a time. */
  | { readonly kind: "slow head"; readonly time: number }
  /** An answer that the registry did not give. */
  | {
      readonly kind: "answer";
      readonly name: string;
      readonly status: number;
      readonly headers?: readonly (readonly [name: string, value: string])[];
      readonly body?: string | Buffer;
    };

/** What a fault is called in figures. */
export function faultName(fault: Fault): string {
  switch (fault.kind) {
    case "answer":
      return fault.name;
    case "range":
      return `range: ${fault.answer}`;
    case "headers":
      return `header ${fault.headers[0]?.[0] ?? ""}`;
    case "truncate":
      return fault.honest ? "truncate, honest length" : "truncate";
    default:
      return fault.kind;
  }
}
