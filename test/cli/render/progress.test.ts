import { describe, expect, test } from "bun:test";
import { Writable } from "node:stream";
import { createLogUpdate } from "log-update";
import { createLogger } from "../../../src/cli/log.ts";
import { type Bar, formatSize, runningBar } from "../../../src/cli/render/bar.ts";
import { createProgressRenderer } from "../../../src/cli/render/progress.ts";
import { createBarsRenderer, type LiveScreen } from "../../../src/cli/render/progress-bars.ts";
import type { ProgressStyle } from "../../../src/cli/render/progress-style.ts";
import { computeDigest } from "../../../src/core/digest.ts";
import type { ProgressEvent } from "../../../src/core/progress.ts";
import { type Capture, createCapture } from "../capture.ts";

const digestOf = (text: string) => computeDigest(new TextEncoder().encode(text));
const [layer, other, config, manifest] = ["layer", "other", "config", "manifest"].map(digestOf) as [
  ReturnType<typeof digestOf>,
  ReturnType<typeof digestOf>,
  ReturnType<typeof digestOf>,
  ReturnType<typeof digestOf>,
];

const image: readonly ProgressEvent[] = [
  { kind: "signatures", of: "image", step: "read" },
  { kind: "blob-start", digest: layer, role: "layer", size: 2048 },
  { kind: "blob-bytes", digest: layer, bytes: 1024 },
  { kind: "blob-end", digest: layer, outcome: "copied" },
  { kind: "blob-end", digest: other, outcome: "skipped" },
  { kind: "blob-start", digest: config, role: "config" },
  { kind: "blob-end", digest: config, outcome: "copied" },
  { kind: "manifest", of: "image", digest: manifest, mediaType: "m" },
];

const index: readonly ProgressEvent[] = [
  { kind: "signatures", of: "index", step: "read" },
  { kind: "signatures", of: "index", step: "check" },
  { kind: "instances", count: 2, total: 3 },
  { kind: "instance", digest: manifest, position: 1, count: 2 },
  { kind: "signatures", of: "image", step: "check" },
  { kind: "signatures", of: "image", step: "write" },
  { kind: "unchanged", digest: manifest },
  { kind: "manifest", of: "index", digest: manifest, mediaType: "m" },
  { kind: "signatures", of: "index", step: "write" },
];

/** What a style shows of events; a warning is among them. */
function show(
  style: ProgressStyle,
  events: readonly ProgressEvent[],
  { quiet = false, isTerminal = false } = {},
): string {
  const stderr: Capture = createCapture(isTerminal);
  const progress = createProgressRenderer({ quiet, style, stderr, log: createLogger(stderr) });
  for (const event of events) progress.onEvent(event);
  progress.close();
  return stderr.text;
}

describe("plain lines", () => {
  test("tell of an image in skopeo's words, a skipped blob as any other", () => {
    expect(show("plain", image).split("\n")).toEqual([
      "Getting image source signatures",
      `Copying blob ${layer}`,
      `Copying blob ${other}`,
      `Copying config ${config}`,
      "Writing manifest to image destination",
      "",
    ]);
  });

  test("tell of an index in skopeo's words", () => {
    expect(show("plain", index).split("\n")).toEqual([
      "Getting image list signatures",
      "Checking if image list destination supports signatures",
      "Copying 2 images generated from 3 images in list",
      `Copying image ${manifest} (1/2)`,
      "Checking if image destination supports signatures",
      "Storing signatures",
      "Skipping: image already present at destination",
      "Writing manifest list to image destination",
      "Storing list signatures",
      "",
    ]);
  });

  test("pass a warning to the log", () => {
    expect(show("plain", [{ kind: "warning", message: "odd" }])).toContain("level=warning msg=odd\n");
  });
});

test("JSON is one event a line, as it is", () => {
  const lines = show("json", image).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual([...image]);
});

test("quiet means that only warnings are seen", () => {
  const warning: ProgressEvent = { kind: "warning", message: "odd" };
  for (const style of ["auto", "plain", "json", "bars"] as const) {
    const text = show(style, [...image, warning, ...index], { quiet: true });
    expect(text).toMatch(/^time="[^"]*" level=warning msg=odd\n$/);
  }
});

test("auto means lines where standard error is no terminal, and bars where it is one", () => {
  expect(show("auto", image)).toBe(show("plain", image));
  expect(show("auto", image, { isTerminal: true })).toContain("done   | ");
});

/** A screen that keeps every drawing. */
function createScreen(columns: number): LiveScreen & { readonly frames: string[]; readonly kept: string[] } {
  const frames: string[] = [];
  const kept: string[] = [];
  return Object.assign((text: string) => void frames.push(text), {
    frames,
    kept,
    columns,
    clear: () => void frames.push(""),
    persist: (text: string) => void kept.push(text),
  });
}

const twoFrames = () => Bun.sleep(250);

describe("bars", () => {
  test("show blobs on their way, and leave the lines of those that ended", async () => {
    const stderr = createCapture(true);
    const screen = createScreen(100);
    const progress = createBarsRenderer(stderr, createLogger(stderr), async () => screen);
    for (const event of image.slice(0, 3)) progress.onEvent(event);
    await twoFrames();
    const [label = "", numbers = ""] = screen.frames.at(-1)?.split(/ (?=\[)/) ?? [];
    expect(label).toBe(`Copying blob ${layer.slice(7, 19)}`);
    expect(numbers).toStartWith(`[${"=".repeat(18)}>${"-".repeat(19)}] 1.0KiB / 2.0KiB | `);
    for (const event of image.slice(3)) progress.onEvent(event);
    await twoFrames();
    expect(screen.frames.at(-1)).toBe("");
    progress.close();
    expect(screen.kept.join("\n").split("\n")).toEqual([
      "Getting image source signatures",
      `Copying blob ${layer.slice(7, 19)} done   | `,
      `Copying blob ${other.slice(7, 19)} skipped: already exists  `,
      `Copying config ${config.slice(7, 17)} done   | `,
      "Writing manifest to image destination",
    ]);
    expect(stderr.text).toBe("");
  });

  test("let log lines come above them, and give standard error back at the end", async () => {
    const stderr = createCapture();
    const log = createLogger(stderr);
    const screen = createScreen(80);
    const progress = createBarsRenderer(stderr, log, async () => screen);
    for (const event of image.slice(0, 2)) progress.onEvent(event);
    progress.onEvent({ kind: "warning", message: "odd" });
    await twoFrames();
    expect(screen.kept.join("\n")).toContain("level=warning msg=odd");
    progress.close();
    progress.close();
    expect(screen.frames.at(-1)).toBe("");
    log.info("after");
    expect(stderr.text).toMatch(/^time="[^"]*" level=info msg=after\n$/);
  });

  test("lose no line of a copy that ended before anything could be drawn", () => {
    const stderr = createCapture(true);
    const progress = createBarsRenderer(stderr, createLogger(stderr), () => new Promise(() => undefined));
    for (const event of image) progress.onEvent(event);
    progress.close();
    expect(stderr.text.split("\n")).toHaveLength(image.length - 2);
  });

  test("are drawn by log-update without an end in the scrollback", async () => {
    const stream = Object.assign(createStream(), { isTTY: true, columns: 80, rows: 24 });
    const stderr = createCapture(true);
    const update = createLogUpdate(stream, { showCursor: true });
    const screen: LiveScreen = Object.assign(update, { columns: 80 });
    const progress = createBarsRenderer(stderr, createLogger(stderr), async () => screen);
    for (const event of image.slice(0, 3)) progress.onEvent(event);
    await twoFrames();
    for (const event of image.slice(3)) progress.onEvent(event);
    progress.close();
    expect(stream.text).toContain("1.0KiB / 2.0KiB");
    expect(stream.text).toContain("\u001B[1A");
    expect(stream.text).toContain("Writing manifest to image destination\n");
    expect(stream.text).not.toContain("\u001B[?25l");
  });
});

function createStream(): NodeJS.WritableStream & { text: string } {
  const stream = Object.assign(
    new Writable({
      write(chunk, _encoding, done) {
        stream.text += String(chunk);
        done();
      },
    }),
    { text: "" },
  );
  return stream;
}

describe("a running bar", () => {
  const bar: Bar = { role: "layer", digest: layer, size: 100 * 1024 * 1024, bytes: 0, startedAt: 0 };
  const label = `Copying blob ${layer.slice(7, 19)}`;
  const cases: readonly (readonly [what: string, change: Partial<Bar>, columns: number, line: string])[] = [
    ["is empty at first", {}, 120, `[${"-".repeat(38)}] 0.0B / 100.0MiB | 0.0 B/s`],
    [
      "has a tip",
      { bytes: 60 * 1024 * 1024 },
      120,
      `[${"=".repeat(21)}>${"-".repeat(16)}] 60.0MiB / 100.0MiB | 30.0 MiB/s`,
    ],
    [
      "is full at the end",
      { bytes: bar.size ?? 0 },
      120,
      `[${"=".repeat(38)}] 100.0MiB / 100.0MiB | 50.0 MiB/s`,
    ],
    ["stays full beyond it", { size: 1, bytes: 2 }, 120, `[${"=".repeat(38)}] 2.0B / 1.0B | 1.0 B/s`],
    ["counts dots without a size", { size: undefined, bytes: 2048 }, 120, "...  2.0KiB | 1.0 KiB/s"],
    [
      "shrinks with the terminal",
      { bytes: 50 * 1024 * 1024 },
      80,
      `[${"=".repeat(9)}>${"-".repeat(10)}] 50.0MiB / 100.0MiB | 25.0 MiB/s`,
    ],
    ["gives way to the numbers", { bytes: 50 * 1024 * 1024 }, 66, "50.0MiB / 100.0MiB | 25.0 MiB/s"],
  ];
  for (const [what, change, columns, line] of cases) {
    test(what, () => {
      expect(runningBar({ ...bar, ...change }, 2000, columns)).toBe(`${label} ${line}`);
    });
  }

  test("never is wider than the terminal", () => {
    for (let columns = 1; columns < 130; columns++) {
      expect(runningBar({ ...bar, bytes: 12345678 }, 2000, columns).length).toBeLessThanOrEqual(columns);
    }
  });
});

test("sizes are in binary units with one decimal", () => {
  const sizes = [0, 1, 1023, 1024, 1536, 1024 ** 2, 1.5 * 1024 ** 3, 1024 ** 5];
  expect(sizes.map(formatSize)).toEqual([
    ...["0.0B", "1.0B", "1023.0B", "1.0KiB", "1.5KiB", "1.0MiB", "1.5GiB", "1024.0TiB"],
  ]);
});
