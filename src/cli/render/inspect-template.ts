import { ImageError } from "../../core/errors.ts";
import { formatGoJson, sortedRecord } from "../../format/go-json.ts";
import { formatTime } from "../../format/go-time.ts";
import { type ImageConfig, reserializeConfig } from "../../format/image-config.ts";
import type { InspectData } from "../../inspect/inspect-data.ts";
import type { Report } from "./template-report.ts";

/** A template failed. `output` is what it had printed before, which the user gets to see as well. */
export class InspectTemplateError extends ImageError {
  readonly output: string;

  constructor(message: string, output: string) {
    super("CONFIG_INVALID", message);
    this.output = output;
  }
}

const INDENT = 4;
/** Names JSON, for people who write it as a template. */
const JSON_TEMPLATE = /^[\t\n\f\r ]*(?:json|\{\{[\t\n\f\r ]*json\.?[\t\n\f\r ]*\}\})[\t\n\f\r ]*$/;

/**
 * What `inspect` prints, with its last newline: JSON without a template, or as the template says. cli.md 5.1, 5.2.
 * @throws {InspectTemplateError} CONFIG_INVALID
 */
export async function renderInspect(template: string | undefined, data: InspectData): Promise<string> {
  if (template === undefined || isJsonTemplate(template)) return renderJson(toDocument(data));
  const { inspectValue } = await import("./inspect-values.ts");
  const { formatReport } = await import("./template-report.ts");
  return outputOf(formatReport(template, inspectValue(data)), "");
}

/**
 * What `inspect --config` prints: the config as the OCI format knows it. cli.md 5.1, 5.2.
 * @throws {InspectTemplateError} CONFIG_INVALID
 */
export async function renderInspectConfig(
  template: string | undefined,
  config: ImageConfig,
): Promise<string> {
  if (template === undefined || isJsonTemplate(template)) return renderJson(reserializeConfig(config));
  const { imageConfigValue } = await import("./inspect-values.ts");
  const { formatReport } = await import("./template-report.ts");
  const context = "Error writing OCI-formatted configuration data to standard output: ";
  return outputOf(formatReport(template, imageConfigValue(config)), context);
}

function isJsonTemplate(template: string): boolean {
  return template === "" || JSON_TEMPLATE.test(template);
}

function renderJson(value: unknown): string {
  return `${formatGoJson(value, { indent: INDENT })}\n`;
}

function toDocument(data: InspectData): unknown {
  return {
    ...data,
    Created: data.Created === null ? null : formatTime(data.Created),
    Labels: data.Labels && sortedRecord(data.Labels),
    LayersData: data.LayersData.map((layer) => ({
      ...layer,
      Annotations: layer.Annotations && sortedRecord(layer.Annotations),
    })),
  };
}

function outputOf({ output, problem }: Report, context: string): string {
  if (problem === undefined) return output;
  throw new InspectTemplateError(context + problem, output);
}
