import { parseDockerName } from "../../core/docker-name.ts";
import { errorMessage, ImageError } from "../../core/errors.ts";
import { hint } from "./file-error.ts";

/** What the names of a template stand for. */
export interface TemplateValues {
  /** `host[:port]` */
  readonly registry: string;
  /** The path below the registry. */
  readonly repository: string;
  readonly tag?: string | undefined;
}

const NAMES = ["registry", "repository", "name", "tag"] as const;
const VARIABLE = /\{\{\s*([^{}]*?)\s*\}\}/g;
const DIRECTORY = "dir:";

/** @throws {ImageError} CONFIG_INVALID where the template cannot make a name */
export function checkTemplate(template: string): void {
  for (const [, name = ""] of template.matchAll(VARIABLE)) {
    if (!NAMES.some((known) => known === name)) throw invalid(`unknown {{${name}}}${hint(name, NAMES)}`);
  }
  const rest = template.replaceAll(VARIABLE, "x");
  if (/[{}]/.test(rest)) throw invalid("a {{ or }} lacks its other half");
  if (template.startsWith(DIRECTORY)) {
    if (template.length === DIRECTORY.length) throw invalid("dir: names no directory");
    return;
  }
  if (rest.includes("@")) throw invalid("a destination has a tag, if anything, and no digest");
  if (!rest.includes("/"))
    throw invalid(`"${template}" names no repository; write ${template}/{{repository}}`);
  if (rest.endsWith("/")) throw invalid(`nothing stands behind the last /; write ${template}{{repository}}`);
  const [first = ""] = template.split("/");
  if (!/[.:]|^localhost$|\{\{\s*registry\s*\}\}/.test(first)) {
    throw invalid(`a destination begins with its registry; for Docker Hub write docker.io/${template}`);
  }
  const { name: example } = fillTemplate(template, {
    registry: "docker.io",
    repository: "library/busybox",
    tag: "latest",
  });
  try {
    parseDockerName(example);
  } catch (error) {
    throw invalid(`it makes names such as "${example}", and these are not valid: ${errorMessage(error)}`);
  }
}

/** A name that has a tag, or that an image is to be put under by its digest. */
export interface FilledTemplate {
  /** `registry/repository[:tag]` or `dir:PATH[:tag]` */
  readonly name: string;
  readonly isTagged: boolean;
}

/**
 * The name that a template gives. Its tag is that of the template, or else that of the source.
 * @throws {ImageError} CONFIG_INVALID where the path needs a tag and there is none
 */
export function fillTemplate(template: string, values: TemplateValues): FilledTemplate {
  const colon = tagColon(template);
  const path = fill(colon < 0 ? template : template.slice(0, colon), values);
  const tagText = colon < 0 ? "{{tag}}" : template.slice(colon + 1);
  if (values.tag === undefined && /\{\{\s*tag\s*\}\}/.test(tagText)) return { name: path, isTagged: false };
  return { name: `${path}:${fill(tagText, values)}`, isTagged: true };
}

/** The registry of a template, with as much of the path as is the same for all images. */
export function literalPath(template: string): string {
  const colon = tagColon(template);
  const path = colon < 0 ? template : template.slice(0, colon);
  const variable = path.indexOf("{{");
  return variable < 0 ? path : path.slice(0, Math.max(0, path.lastIndexOf("/", variable)));
}

/** Where the tag of a template begins, its colon; -1 without one. */
function tagColon(template: string): number {
  const masked = template.replaceAll(VARIABLE, (whole) => "x".repeat(whole.length));
  const start = Math.max(masked.lastIndexOf("/") + 1, template.startsWith(DIRECTORY) ? DIRECTORY.length : 0);
  return masked.indexOf(":", start);
}

function fill(text: string, values: TemplateValues): string {
  return text.replaceAll(VARIABLE, (_, name: string, offset: number) => {
    switch (name) {
      case "registry":
        // In the middle of a name there is no place for the colon of a port.
        return offset === 0 || text.startsWith(DIRECTORY)
          ? values.registry
          : values.registry.replace(":", "-").toLowerCase();
      case "repository":
        return values.repository;
      case "name":
        return values.repository.slice(values.repository.lastIndexOf("/") + 1);
      default:
        if (values.tag === undefined)
          throw invalid(`"${text}" needs a tag, and an image is named by its digest`);
        return values.tag;
    }
  });
}

function invalid(message: string): ImageError {
  return new ImageError("CONFIG_INVALID", message);
}
