import { VERSION } from "../../version.ts";
import type { Command } from "../command.ts";
import type { CommandEntry } from "../command-table.ts";
import type { Flag, FlagTable } from "../flag.ts";
import { isBooleanKind } from "../flag-values.ts";
import { rootFlags } from "../flags/global-flags.ts";
import { bold, heading, italic, literal, roffText, tagged } from "./roff.ts";

/** Names of images, for the page of the program. */
const TRANSPORTS: readonly (readonly [name: string, text: string])[] = [
  ["docker://HOST/REPOSITORY[:TAG|@DIGEST]", "An image in a registry."],
  ["oci:DIRECTORY[:NAME|:@INDEX]", "An image in an OCI image layout."],
  ["oci-archive:FILE[:NAME|:@INDEX]", "An image in a tar of one."],
  ["docker-archive:FILE[:NAME[:TAG]|:@INDEX]", "An image in a file as docker save writes it."],
  ["docker-daemon:NAME:TAG", "An image of a Docker daemon."],
  ["dir:DIRECTORY", "One image as plain files."],
  ["tarball:FILE[:FILE...]", "Tar files as the layers of an image, to read from."],
];
const EXIT_CODES: readonly (readonly [code: string, text: string])[] = [
  ["0", "All went well."],
  ["1", "Something failed; the last line on standard error says what."],
  ["2", "The image is not there, though its store answered."],
  ["3", "sync \\-\\-plan: the destination differs."],
];

/** Pages of the manual, by the names of their files. */
export async function manPages(entries: readonly CommandEntry[]): Promise<ReadonlyMap<string, string>> {
  const visible = entries.filter(({ hidden }) => hidden !== true);
  const pages = new Map([["skopeo.1", programPage(visible)]]);
  for (const { name, load } of visible) pages.set(`skopeo-${name}.1`, commandPage((await load()).command));
  return pages;
}

function programPage(entries: readonly CommandEntry[]): string {
  return [
    title("skopeo"),
    heading("NAME"),
    "skopeo \\- look at container images and move them\n",
    heading("SYNOPSIS"),
    `${bold("skopeo")} ${italic("COMMAND")} [${italic("FLAGS")}] ${italic("ARGUMENTS")}\n`,
    heading("DESCRIPTION"),
    `${roffText("skopeo inspects, copies, syncs, deletes, signs and verifies container images, between registries, layouts, archives, directories and daemons, without a daemon of its own.")}\n`,
    heading("COMMANDS"),
    ...entries.map(({ name, summary }) => tagged(bold(`skopeo-${name}`), `${roffText(summary)}.`)),
    heading("IMAGE NAMES"),
    ...TRANSPORTS.map(([name, text]) => tagged(bold(name), roffText(text))),
    heading("OPTIONS"),
    ...options(rootFlags),
    exitStatus(),
    heading("FILES"),
    tagged(
      italic("containers/auth.json"),
      "Logins, in $XDG_RUNTIME_DIR or the home directory, and those of docker.",
    ),
    tagged(
      italic("/etc/containers/registries.conf"),
      "Mirrors, rewriting, and registries that are blocked or insecure.",
    ),
    tagged(
      italic("/etc/containers/policy.json"),
      "Which images may be used, and which signatures they need.",
    ),
    heading("SEE ALSO"),
    `${entries.map(({ name }) => `${bold(`skopeo-${name}`)}(1)`).join(",\n")}\n`,
  ].join("");
}

function commandPage(command: Command): string {
  const { name, summary, synopsis, description, examples = [] } = command;
  return [
    title(`skopeo-${name}`),
    heading("NAME"),
    `skopeo\\-${roffText(name)} \\- ${roffText(summary)}\n`,
    heading("SYNOPSIS"),
    `${bold(`skopeo ${name}`)} [${italic("FLAGS")}] ${italic(synopsis)}\n`,
    ...(description === undefined ? [] : [heading("DESCRIPTION"), paragraphs(description)]),
    heading("OPTIONS"),
    `The flags of ${bold("skopeo")}(1) are taken, too.\n`,
    ...options(command.flags),
    ...(examples.length === 0 ? [] : [heading("EXAMPLES")]),
    examples
      .map(({ purpose, command: line }) => `${roffText(purpose)}:\n${literal([`  skopeo ${line}`])}`)
      .join(".P\n"),
    exitStatus(),
    heading("SEE ALSO"),
    `${bold("skopeo")}(1)\n`,
  ].join("");
}

/** Without a date, so that the same program gives the same pages. */
function title(name: string): string {
  return `.TH ${name.toUpperCase().replaceAll("-", "\\-")} 1 "" "skopeo ${VERSION}" "Container images"\n`;
}

function exitStatus(): string {
  return heading("EXIT STATUS") + EXIT_CODES.map(([code, text]) => tagged(bold(code), text)).join("");
}

function paragraphs(text: string): string {
  return text
    .split("\n\n")
    .map((paragraph) => `${roffText(paragraph.replaceAll("\n", " "))}\n`)
    .join(".P\n");
}

function options(flags: FlagTable): readonly string[] {
  const visible = Object.entries(flags).filter(([, { hidden }]) => hidden !== true);
  const groups = new Set(visible.map(([, { group }]) => group));
  return [...groups].flatMap((group) => [
    ...(groups.size > 1 ? [`.SS ${roffText(group)}\n`] : []),
    ...visible.filter(([, flag]) => flag.group === group).map(([name, flag]) => option(name, flag)),
  ]);
}

function option(name: string, flag: Flag): string {
  const { short, placeholder, kind, summary } = flag;
  const value = isBooleanKind(kind) ? "" : ` ${italic(placeholder ?? "VALUE")}`;
  const names = [...(short === undefined ? [] : [bold(`-${short}`)]), bold(`--${name}`)];
  return tagged(
    `${names.join(", ")}${value}`,
    roffText(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`),
  );
}
