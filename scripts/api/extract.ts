import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  CompilerState,
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
  type ExtractorMessage,
} from "@microsoft/api-extractor";
import { type ApiExport, docCommentOf, type EntryModel, parseModel } from "./model.ts";

/** The entry points: names for imports, and where their declarations are. Home pages are found in this order: `skopeo-ts` comes last. */
export const ENTRIES: ReadonlyMap<string, string> = new Map([
  ["skopeo-ts/formats", "entries/formats"],
  ["skopeo-ts/registry", "entries/registry"],
  ["skopeo-ts/transports", "entries/transports"],
  ["skopeo-ts/signing", "entries/signing"],
  ["skopeo-ts/sync", "entries/sync"],
  ["skopeo-ts/serve", "entries/serve"],
  ["skopeo-ts", "index"],
]);

export interface ExtractedApi {
  /** By their paths within the repository. */
  readonly reports: ReadonlyMap<string, string>;
  readonly models: ReadonlyMap<string, EntryModel>;
  /** Exports without a docstring, and types that callers meet but cannot import. */
  readonly problems: readonly string[];
}

/**
 * `@throws {ImageError} CODE` is JSDoc's, and read as such; release tags would only repeat what a list of exports says. What has no
 * docstring is found by `undocumented`, which knows that a class inherits them.
 */
const NO_PROBLEM: ReadonlySet<string> = new Set([
  "ae-missing-release-tag",
  "ae-undocumented",
  "console-api-report-created",
  "tsdoc-escape-right-brace",
  "tsdoc-malformed-inline-tag",
]);

/** Reads the declarations in a directory that `scripts/build-library.sh` has filled, and leaves its own files there. */
export function extractApi(root: string, directory: string): ExtractedApi {
  const output = join(root, directory, "extracted");
  mkdirSync(output);
  const configs = new Map(
    [...ENTRIES].map(([name, file]) => [
      name,
      configOf(root, join(root, directory, `${file}.d.ts`), name, output),
    ]),
  );
  const [first, ...others] = [...configs.values()];
  if (first === undefined) throw new Error("no entry points");
  const compilerState = CompilerState.create(first, {
    additionalEntryPoints: others.map((config) => config.mainEntryPointFilePath),
  });
  const messages: ExtractorMessage[] = [];
  for (const config of configs.values())
    Extractor.invoke(config, {
      compilerState,
      localBuild: true,
      messageCallback: (message) => {
        message.handled = true;
        if (message.logLevel === ExtractorLogLevel.Warning || message.logLevel === ExtractorLogLevel.Error)
          messages.push(message);
      },
    });
  const models = new Map(
    [...configs].map(([name, { apiJsonFilePath }]) => [
      name,
      parseModel(readFileSync(apiJsonFilePath, "utf8")),
    ]),
  );
  const exported = new Set([...models.values()].flatMap(({ members }) => members.map(({ name }) => name)));
  return {
    models,
    reports: new Map(
      [...configs.values()].map(({ reportFilePath }) => [
        join("api", reportFilePath.slice(output.length + 1)),
        readFileSync(reportFilePath, "utf8"),
      ]),
    ),
    problems: [
      ...new Set([
        ...messages.flatMap((message) => problemOf(message, exported, directory)),
        ...[...models.values()].flatMap(({ members }) => undocumented(members)),
      ]),
    ],
  };
}

function configOf(root: string, entry: string, name: string, output: string): ExtractorConfig {
  const base = name.replace("/", ".");
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, "package.json"),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: entry,
      newlineKind: "lf",
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: "es2022",
            lib: ["es2024", "esnext.disposable", "esnext.array"],
            module: "nodenext",
            types: ["node"],
            strict: true,
            skipLibCheck: true,
          },
          files: [entry],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${base}.api.md`,
        reportFolder: output,
        reportTempFolder: join(output, "temporary"),
      },
      docModel: { enabled: true, apiJsonFilePath: join(output, `${base}.api.json`) },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Warning } },
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.Warning },
        },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.Warning } },
      },
    },
  });
}

function undocumented(exports: readonly ApiExport[]): readonly string[] {
  return exports.flatMap((item) =>
    [
      ...(item.docComment === "" ? [item.name] : []),
      ...item.members
        .filter((member) => docCommentOf(member, item, exports) === "")
        .map(({ name }) => `${item.name}.${name}`),
    ].map((name) => `${name} has no docstring`),
  );
}

/** A type that one entry needs and another exports can be imported: that is what forgotten ones cannot. */
function problemOf(
  { messageId, text, sourceFilePath = "", sourceFileLine = 0 }: ExtractorMessage,
  exported: ReadonlySet<string>,
  directory: string,
): readonly string[] {
  if (NO_PROBLEM.has(messageId)) return [];
  const [, forgotten] = messageId === "ae-forgotten-export" ? (/The symbol "(\w+)"/.exec(text) ?? []) : [];
  if (forgotten !== undefined && exported.has(forgotten)) return [];
  const [, file = sourceFilePath] = sourceFilePath.split(`${directory}/`);
  return [`${file.replace(/\.d\.ts$/, ".ts")} (line ${sourceFileLine} of its declarations): ${text}`];
}
