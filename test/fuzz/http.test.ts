import { expect, test } from "bun:test";
import { constants } from "node:buffer";
import fc from "fast-check";
import { type ByteStream, collect, streamOf } from "../../src/core/byte-stream.ts";
import { computeDigest } from "../../src/core/digest.ts";
import { parseDockerName } from "../../src/core/docker-name.ts";
import { ImageError } from "../../src/core/errors.ts";
import { openResumableBlob } from "../../src/registry/blob-download.ts";
import { chooseChallenge, parseChallenges } from "../../src/registry/challenge.ts";
import { RegistryConnection } from "../../src/registry/connection.ts";
import { retryAfter } from "../../src/registry/http-retry.ts";
import { parseRateLimit } from "../../src/registry/rate-limit.ts";
import { withRedirects } from "../../src/registry/redirects.ts";
import { RegistryClient } from "../../src/registry/registry-client.ts";
import { errorFromResponse } from "../../src/registry/registry-error.ts";
import { TokenCache } from "../../src/registry/tokens.ts";
import type { HttpClient, HttpRequest, HttpResponse } from "../../src/runtime/http.ts";
import { ApiError } from "../../src/serve/api-error.ts";
import { parseContentRange, parseRange } from "../../src/serve/ranges.ts";
import { parseRoute } from "../../src/serve/routes.ts";
import { chooseApiVersion } from "../../src/transports/docker-daemon/api-version.ts";
import { parseDaemonAddress } from "../../src/transports/docker-daemon/daemon-address.ts";
import { errorFromAnswer } from "../../src/transports/docker-daemon/engine-error.ts";
import { checkLoadReply } from "../../src/transports/docker-daemon/load-reply.ts";
import { sampleText } from "./corpus.ts";
import { answersOrRefuses, holds } from "./fuzz.ts";
import { anyBytes, damaged, damagedJson, damagedText } from "./inputs.ts";

const CHALLENGES = [
  'Bearer realm="https://auth.example.com/token",service="registry",scope="repository:a:pull"',
  'Basic realm="a \\"b\\"", Bearer realm=http://localhost/t',
  "Negotiate",
];
const TAGS = ['{"name":"a","tags":["latest","v1",null]}', '{"tags":null}'];
const LINKS = [
  '</v2/a/tags/list?last=b&n=100>; rel="next"',
  "<https://elsewhere.example.com/x>; rel=next",
  "<http://[>",
];
const ERRORS = [
  '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"","detail":{"a":"b"}}]}',
  '{"errors":[{"code":"__proto__"},{"code":"constructor"}]}',
  '{"details":"too many"}',
  '{"errors":[{"code":"constructor","message":""}]}',
  "<html>no</html>",
]; // prettier-ignore
const DIGEST = computeDigest(new Uint8Array());
const statuses = fc.constantFrom(200, 200, 200, 201, 204, 206, 301, 307, 400, 401, 403, 404, 429, 500, 503);

/** A header as the runtime lets it through: no line breaks, no zeros, one byte a character. */
const header = (corpus: readonly string[]): fc.Arbitrary<string> =>
  damagedText(corpus).map((text) => text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, "").slice(0, 16_000));

test("challenges are read from anything, and have text for parameters", async () => {
  await holds(
    header(CHALLENGES),
    (text) => {
      for (const { scheme, parameters } of parseChallenges(text)) {
        expect(scheme).toBe(scheme.toLowerCase());
        for (const value of Object.values(parameters)) expect(value).toBeString();
      }
      chooseChallenge(parseChallenges(text));
    },
    1_000,
  );
});

test("limits and delays that servers tell are numbers within bounds", async () => {
  const corpus = [
    "100;w=21600",
    '"default";r=50;t=30',
    "1700000000",
    "Wed, 21 Oct 2065 07:28:00 GMT",
    "120",
    "1e9",
  ];
  const names = [
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-remaining",
    "x-ratelimit-limit",
    "ratelimit-reset",
    "retry-after",
  ];
  const headers = fc.record(Object.fromEntries(names.map((name) => [name, header(corpus)])), {
    requiredKeys: [],
  });
  await holds(
    headers,
    (given) => {
      const found = new Headers(
        Object.entries(given).map(([name, value]): [string, string] => [name, value ?? ""]),
      );
      for (const value of Object.values(parseRateLimit(found) ?? {})) {
        if (value !== undefined) expect(Number.isSafeInteger(value) && value >= 0).toBe(true);
      }
      const wait = retryAfter(found) ?? 0;
      expect(wait >= 0 && wait <= 72_000).toBe(true);
    },
    500,
  );
});

test("what a server says is wrong becomes an error of words", async () => {
  const inputs = fc.tuple(
    damagedJson(ERRORS.filter((text) => text.startsWith("{"))),
    fc.integer({ min: 400, max: 599 }),
  );
  await answersOrRefuses(
    fc.oneof(inputs, fc.tuple(damaged(ERRORS), statuses)),
    async ([body, status]) => {
      throw await errorFromResponse(answer({ status, body }));
    },
    { runs: 500 },
  );
});

test("tokens are taken from any answer, or it is refused", async () => {
  const corpus = [
    '{"token":"a","expires_in":300,"issued_at":"2024-01-01T00:00:00Z"}',
    '{"access_token":"b"}',
  ];
  const inputs = fc.tuple(damagedJson(corpus), fc.oneof(fc.constant(200), statuses), header(CHALLENGES));
  await answersOrRefuses(inputs, async ([body, status, text]) => {
    const challenge = chooseChallenge(parseChallenges(text)) ?? {
      scheme: "bearer",
      parameters: { realm: "https://a" },
    };
    const client: HttpClient = { send: async () => answer({ status, body }) };
    const token = await new TokenCache(client, { headers: {}, allowHttp: false }).get(
      challenge,
      ["a"],
      undefined,
    );
    expect(token).not.toBe("");
  });
});

test("tags are listed from pages of any kind, which lead nowhere else", async () => {
  const pages = fc.array(
    fc.record({ status: fc.oneof(fc.constant(200), statuses), body: damagedJson(TAGS), link: header(LINKS) }),
    { maxLength: 4 },
  );
  await answersOrRefuses(pages, async (given) => {
    let next = 0;
    const client = registry((request) => {
      expect(new URL(request.url).origin).toBe("https://registry.example.com");
      const { status, body, link } = given[next++ % Math.max(given.length, 1)] ?? {
        status: 200,
        body: new Uint8Array(),
        link: "",
      };
      if (next > 50) throw new ImageError("REGISTRY_FAILURE", "asked for too much");
      return answer({ status, body, headers: { link } });
    });
    for await (const tag of client.listTags("a")) expect(tag).toMatch(/^[\w][\w.-]*$/);
  });
});

test("manifests and referrers are read from answers of any kind, or refused", async () => {
  const bodies = damagedJson([sampleText("oci-index.json"), sampleText("oci-manifest.json")]);
  const type = header(["application/vnd.oci.image.index.v1+json; charset=utf-8", "application/json"]);
  await answersOrRefuses(
    fc.tuple(bodies, type, fc.oneof(fc.constant(200), statuses), header(CHALLENGES)),
    async ([body, contentType, status, challenge]) => {
      const client = registry(() =>
        answer({ status, body, headers: { "content-type": contentType, "www-authenticate": challenge } }),
      );
      await client.listReferrers("a", DIGEST).catch(unlessRefused);
      await client.findManifest("a", "b").catch(unlessRefused);
      await client.readManifest("a", "b");
    },
  );
});

test("a blob whose connection breaks is joined from the parts that fit, or refused", async () => {
  const whole = Buffer.from("0123456789".repeat(20));
  const ranges = header([
    "bytes 50-199/200",
    "bytes 0-199/200",
    "bytes 50-199/*",
    "bytes 50-199/201",
    "bytes 99999999999999999999-1/2",
  ]);
  const lengths = header(["200", "150", "1e3", "-1", "9".repeat(20), String(constants.MAX_LENGTH)]);
  await answersOrRefuses(
    fc.tuple(ranges, lengths, fc.constantFrom(200, 206, 416)),
    async ([range, length, status]) => {
      let count = 0;
      const open = async (): Promise<HttpResponse> => {
        if (count++ === 0)
          return answer({
            status: 200,
            body: whole.subarray(0, 50),
            breaks: true,
            headers: { "content-length": length },
          });
        const headers = { "content-range": range };
        return answer({ status, body: status === 200 ? whole : whole.subarray(50), headers });
      };
      await using blob = await openResumableBlob(open, { signal: AbortSignal.timeout(5) });
      await collect(blob.bytes, 1_000, "blob").catch(unlessAborted);
    },
    { runs: 60 },
  );
});

test("redirects to anything are followed to HTTP servers only, and not for ever", async () => {
  const locations = header([
    "https://cdn.example.com/blob?a=b",
    "/v2/b",
    "//other",
    "file:///etc/passwd",
    "http://[",
    "javascript:1",
  ]);
  await answersOrRefuses(fc.tuple(locations, statuses), async ([location, status]) => {
    const client = withRedirects({
      async send({ url }) {
        expect(url).toMatch(/^https?:/);
        return answer({ status, body: new Uint8Array(), headers: { location }, url });
      },
    });
    await client.send({
      method: "GET",
      url: "https://registry.example.com/v2/a",
      headers: { Authorization: "secret" },
    });
  });
});

test("a Docker daemon may answer anything", async () => {
  const replies = [
    '{"status":"Loading"}\n{"errorDetail":{"message":"no"},"error":"no"}\n',
    '{"stream":"Loaded image: a\\n"}\n{"error":""}',
  ];
  await answersOrRefuses(
    fc.oneof(damaged(replies), damagedJson(['{"errorDetail":{"message":"no"},"error":"no"}'])),
    (body) => checkLoadReply(streamOf(body)),
  );
  const endpoint = {
    host: "unix:///a",
    origin: "default",
    baseUrl: "http://a",
    apiVersion: undefined,
  } as const;
  const messages = [
    '{"message":"No such image: a"}',
    '{"message":"client version 1.9 is too old. supported API version is 1.24"}',
  ];
  await answersOrRefuses(
    fc.tuple(fc.oneof(damagedJson(messages), anyBytes), statuses),
    async ([body, status]) => {
      throw await errorFromAnswer(answer({ status, body }), endpoint, (message) => message);
    },
  );
  await holds(header(["1.51", "1.24", "99999.1"]), (told) =>
    expect(chooseApiVersion(told)).toMatch(/^\d+\.\d+$/),
  );
  await answersOrRefuses(
    damagedText(["unix:///var/run/docker.sock", "tcp://host:2376/path", "ssh://u@h:22"]),
    parseDaemonAddress,
  );
});

test("requests for any path and range are routed, or refused, within what there is", async () => {
  await answersOrRefuses(
    damagedText([
      "/v2/a/b/manifests/latest",
      `/v2/a/blobs/${DIGEST}`,
      "/v2/a/blobs/uploads/1-2",
      "/v2/_catalog",
    ]),
    parseRoute,
    { isRefusal: (error) => error instanceof ApiError },
  );
  await holds(
    fc.tuple(
      header(["bytes=0-99", "bytes=-5", "bytes=5-", "0-99", "bytes=99999999999999999999-"]),
      fc.nat(200),
    ),
    ([text, size]) => {
      const range = parseRange(text, size);
      if (typeof range === "object")
        expect(range.start >= 0 && range.length > 0 && range.start + range.length <= size).toBe(true);
      const given = parseContentRange(text);
      if (given !== undefined) expect(given.start >= 0 && given.length > 0).toBe(true);
    },
  );
});

interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly url?: string;
  /** The connection breaks behind the body. */
  readonly breaks?: boolean;
}

function answer({
  status,
  body,
  headers = {},
  url = "https://registry.example.com/v2/",
  breaks = false,
}: Answer): HttpResponse {
  async function* bytes(): ByteStream {
    yield body;
    if (breaks) throw Object.assign(new Error("connection reset"), { code: "ECONNRESET" });
  }
  return { url, status, headers: new Headers(headers), body: bytes(), discard: async () => undefined };
}

function registry(respond: (request: HttpRequest) => HttpResponse): RegistryClient {
  const client: HttpClient = { send: async (request) => respond(request) };
  const { registry: name } = parseDockerName("registry.example.com/a");
  return new RegistryClient(
    new RegistryConnection({
      registry: name,
      client,
      probeClient: client,
      userAgent: "fuzz",
      allowHttp: false,
      credentials: async () => undefined,
    }),
  );
}

function unlessRefused(error: unknown): void {
  if (!(error instanceof ImageError)) throw error;
}

function unlessAborted(error: unknown): void {
  if (error instanceof ImageError || (error instanceof Error && error.name === "TimeoutError")) return;
  throw error;
}
