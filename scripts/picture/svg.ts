import type { Run, Screen } from "./record.ts";

/** In pixels of the picture. */
const CELL = { width: 8.4, height: 18 };
const MARGIN = 16;
const TITLE_HEIGHT = 32;
const BACKGROUND = "#1d2127";
const FOREGROUND = "#d5dae1";
/** The sixteen colours that terminals have names for. */
const COLORS: readonly string[] = [
  ...["#1d2127", "#ec7b86", "#8fce7a", "#e3bf70", "#6cb4ee", "#c98be0", "#62c2c9", "#d5dae1"],
  ...["#7a8492", "#f2949d", "#a7dc95", "#edd08f", "#8bc6f5", "#d7a5e9", "#82d2d8", "#ffffff"],
];
const BUTTONS = ["#ec6a5e", "#f4bf4f", "#61c554"];

/** A picture of a terminal's window, which needs no fonts but the viewer's own. */
export function toSvg({ columns, lines }: Screen): string {
  const width = Math.ceil(columns * CELL.width + 2 * MARGIN);
  const height = TITLE_HEIGHT + lines.length * CELL.height + MARGIN;
  const text = lines.map((line, row) => lineText(line, TITLE_HEIGHT + (row + 0.75) * CELL.height));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    "<title>skopeo in a terminal</title>",
    `<rect width="${width}" height="${height}" rx="8" fill="${BACKGROUND}"/>`,
    ...BUTTONS.map((color, i) => `<circle cx="${MARGIN + 4 + i * 18}" cy="16" r="5" fill="${color}"/>`),
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="${FOREGROUND}" xml:space="preserve">`,
    ...text.filter((line) => line !== ""),
    "</g>",
    "</svg>\n",
  ].join("\n");
}

function lineText(line: readonly Run[], y: number): string {
  let column = 0;
  return line
    .map((run) => {
      const x = MARGIN + column * CELL.width;
      column += run.text.length;
      const text = run.text.trimEnd();
      return text === "" ? "" : runText({ ...run, text }, x, y);
    })
    .join("");
}

/** `textLength` keeps columns in line, whatever the width of the viewer's font. */
function runText({ text, color, isBold, isDim }: Run, x: number, y: number): string {
  const attributes = [
    `x="${x.toFixed(1)}" y="${y.toFixed(1)}" textLength="${(text.length * CELL.width).toFixed(1)}"`,
    ...(color === undefined ? [] : [`fill="${COLORS[color] ?? FOREGROUND}"`]),
    ...(isBold ? ['font-weight="bold"'] : []),
    ...(isDim ? ['opacity="0.6"'] : []),
  ];
  return `<text ${attributes.join(" ")}>${escaped(text)}</text>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(" ", "\u00a0");
}
