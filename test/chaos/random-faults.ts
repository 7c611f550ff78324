import type { Fault } from "./fault.ts";
import type { Rule, SeenRequest } from "./misbehaving-registry.ts";

/** Numbers from 0 to 1, the same for the same seed: mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Lets `share` of all requests fail, in a way that `random` chooses. */
export function randomFaults(random: () => number, share: number): Rule {
  return (request) => {
    if (random() >= share) return undefined;
    const choices = faultsFor(request, random);
    return choices[Math.floor(random() * choices.length)];
  };
}

function faultsFor(request: SeenRequest, random: () => number): readonly Fault[] {
  const byte = (): number => Math.floor(random() * 4000);
  const common: readonly Fault[] = [
    { kind: "delay", time: 20 + random() * 100 },
    { kind: "lost answer" },
    { kind: "lost request" },
    { kind: "silence" },
    { kind: "stall", after: 0 },
    { kind: "answer", name: "502", status: 502, body: "<html>\x1b[2Jbad gateway</html>" },
    { kind: "answer", name: "403", status: 403, body: "no" },
    {
      kind: "answer",
      name: "429",
      status: 429,
      headers: [["Retry-After", random() < 0.5 ? "-1" : "nonsense"]],
    },
    { kind: "answer", name: "401", status: 401, headers: [["WWW-Authenticate", 'Basic realm="x"']] },
    {
      kind: "answer",
      name: "redirect in a circle",
      status: 307,
      headers: [["Location", request.target]],
    },
  ];
  const isContent = request.method === "GET" && /\/(blobs|manifests)\//.test(request.target);
  if (isContent) return [...common, ...contentFaults(request, byte)];
  if (request.method !== "PUT" && request.method !== "PATCH") return common;
  const vanished: Fault = { kind: "answer", name: "vanished session", status: 404, body: "{}" };
  // A manifest that has changed on its way stands under its tag: that is told, and not undone.
  return request.target.includes("/blobs/")
    ? [...common, vanished, { kind: "flip sent bit", at: byte() }]
    : [...common, { kind: "answer", name: "500", status: 500 }];
}

function contentFaults(request: SeenRequest, byte: () => number): readonly Fault[] {
  const faults: readonly Fault[] = [
    { kind: "stall", after: byte() },
    { kind: "reset", after: byte() },
    { kind: "truncate", after: byte(), honest: false },
    { kind: "half-close", after: byte() },
    { kind: "flip bit", at: byte() % 600 },
  ];
  if (!request.target.includes("/blobs/")) return faults;
  return [
    ...faults,
    { kind: "truncate", after: byte() % 1000, honest: true },
    { kind: "content length", delta: -3 },
    { kind: "range", answer: "whole" },
    { kind: "range", answer: "another part" },
    { kind: "headers", headers: [["Docker-Content-Digest", "sha256:0"]] },
  ];
}
