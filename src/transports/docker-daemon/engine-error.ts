import * as v from "valibot";
import { collect } from "../../core/byte-stream.ts";
import { ImageError, type ImageErrorCode } from "../../core/errors.ts";
import type { HttpResponse } from "../../runtime/http.ts";
import { NEWEST_API_VERSION } from "./api-version.ts";
import { hostAdvice } from "./connect-error.ts";
import type { DaemonEndpoint } from "./daemon-host.ts";

const BODY_LIMIT = 64 * 1024;
const ABSENT_IMAGE = /reference does not exist|image not known|no such image|failed to get digest/i;
const MessageSchema = v.object({ message: v.pipe(v.string(), v.nonEmpty()) });

/**
 * The error that an answer of the wrong status stands for, with what to do about it. Consumes the body. `word` puts the
 * daemon's own words into a sentence.
 */
export async function errorFromAnswer(
  response: HttpResponse,
  endpoint: DaemonEndpoint,
  word: (message: string) => string,
): Promise<ImageError> {
  const text = await readText(response);
  const { status } = response;
  if (isWebPage(response) || text.startsWith("<")) return webPageError(status, endpoint);
  const message = daemonMessage(text) ?? text;
  if (message === "" || message.includes("page not found") || (status >= 300 && status < 400)) {
    return strangerError(endpoint, `HTTP status ${status}${message === "" ? "" : `, ${message}`}`);
  }
  const advice = adviceOn(message, response, endpoint);
  return new ImageError(codeFor(status, message), `${word(message)}${advice ? ` (${advice})` : ""}`);
}

/** Whether an answer comes from a web server, whatever its status. */
export function isWebPage(response: HttpResponse): boolean {
  return /^\s*text\/html\b/i.test(response.headers.get("content-type") ?? "");
}

/** The error for an answer that is a web page. */
export function webPageError(status: number, endpoint: DaemonEndpoint): ImageError {
  if (status !== 401 && status !== 403) return strangerError(endpoint, `a web page, HTTP status ${status}`);
  return new ImageError(
    "DENIED",
    `a proxy in front of the Docker daemon at ${endpoint.host} answers HTTP status ${status}: have it allow /_ping, /images/get and /images/load`,
  );
}

function strangerError(endpoint: DaemonEndpoint, answer: string): ImageError {
  return new ImageError(
    "STORAGE_FAILURE",
    `the server at ${endpoint.host} does not answer as a Docker daemon does (${answer}): ${hostAdvice(endpoint)}`,
  );
}

/** Podman gives status 500 for an image that is not there, and so do old versions of Docker for an ID. */
function codeFor(status: number, message: string): ImageErrorCode {
  if (status === 404 || ABSENT_IMAGE.test(message)) return "NOT_FOUND";
  return status === 401 || status === 403 ? "DENIED" : "STORAGE_FAILURE";
}

function adviceOn(message: string, { headers }: HttpResponse, endpoint: DaemonEndpoint): string | undefined {
  if (!ABSENT_IMAGE.test(message)) return versionAdvice(message, endpoint) ?? schemeAdvice(message, endpoint);
  return `"${headers.has("libpod-api-version") ? "podman" : "docker"} images" lists what is there`;
}

function versionAdvice(message: string, { apiVersion }: DaemonEndpoint): string | undefined {
  const [, direction] = /client version \S+ is too (new|old)/.exec(message) ?? [];
  if (direction === undefined) return undefined;
  const [, supported] = /supported API version is (\d+\.\d+)/.exec(message) ?? [];
  const setting = `set DOCKER_API_VERSION${supported === undefined ? "" : ` to ${supported}`}`;
  if (apiVersion !== undefined) return `${setting}, or unset it`;
  if (direction === "new") return setting;
  return `skopeo speaks versions up to ${NEWEST_API_VERSION}; images can still go through files with "docker save" and "docker load"`;
}

function schemeAdvice(message: string, { origin, host }: DaemonEndpoint): string | undefined {
  if (!message.includes("HTTP request to an HTTPS server")) return undefined;
  return origin === "DOCKER_HOST" && host.startsWith("tcp:")
    ? "set DOCKER_TLS_VERIFY=1"
    : `name it as ${host.replace(/^http:/i, "https:")}`;
}

function daemonMessage(text: string): string | undefined {
  try {
    const parsed = v.safeParse(MessageSchema, JSON.parse(text));
    return parsed.success ? parsed.output.message.trim() : undefined;
  } catch {
    return undefined;
  }
}

async function readText(response: HttpResponse): Promise<string> {
  try {
    return new TextDecoder().decode(await collect(response.body, BODY_LIMIT, "error message")).trim();
  } catch {
    // The status has to do.
    return "";
  }
}
