import { describe, expect, test } from "bun:test";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createRawServer, type Server } from "node:net";
import { join } from "node:path";
import type { ByteStream } from "../../../src/core/byte-stream.ts";
import type { ExchangeRecord } from "../../../src/registry/exchange-log.ts";
import type { DaemonEndpoint } from "../../../src/transports/docker-daemon/daemon-host.ts";
import { EngineClient } from "../../../src/transports/docker-daemon/engine-client.ts";
import { parseDaemonReference } from "../../../src/transports/docker-daemon/reference.ts";
import { temporary } from "../../support/images.ts";

/** What a server answers to a request; `text` is what it was sent. */
type Handler = (request: IncomingMessage, response: ServerResponse, text: string) => void;
type Address = Pick<DaemonEndpoint, "unixSocket" | "windowsPipe">;

/** A pipe of Windows is reached as a socket elsewhere, which is enough to try its client. */
const CLIENTS: readonly (readonly [name: string, address: (path: string) => Address])[] = [
  ["a unix socket", (unixSocket) => ({ unixSocket })],
  ["a pipe", (windowsPipe) => ({ windowsPipe })],
];

const REFERENCE = parseDaemonReference("host:5000/some/app:1");
const PING: Handler = (_, response) => response.setHeader("Api-Version", "1.44").end();

interface Daemon extends AsyncDisposable {
  readonly path: string;
  /** Method and target of each request so far. */
  readonly requests: readonly string[];
}

async function listen(server: Server): Promise<string> {
  const path = join(temporary("daemon"), "socket");
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}

/** A daemon that answers pings, and everything else as told. */
async function startDaemon(handle: Handler, ping: Handler = PING): Promise<Daemon> {
  const requests: string[] = [];
  const server = createHttpServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const answer = request.url === "/_ping" ? ping : handle;
      answer(request, response, Buffer.concat(chunks).toString());
    });
  });
  const path = await listen(server);
  return { path, requests, [Symbol.asyncDispose]: async () => void server.closeAllConnections() };
}

/** A server that says what it is told to, once the text that it has got so far ends a request. */
async function startRaw(
  answer: string | undefined,
  isHeard: (text: string) => boolean,
): Promise<{
  path: string;
  received: () => string;
}> {
  let received = "";
  const server = createRawServer((socket) => {
    let text = "";
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      text += data.toString("latin1");
      received += data.toString("latin1");
      if (!isHeard(text) || answer === undefined) return;
      text = "";
      socket.end(answer);
    });
  });
  return { path: await listen(server), received: () => received };
}

function clientAt(
  address: Address,
  more: Partial<DaemonEndpoint> & { onExchange?: (record: ExchangeRecord) => void } = {},
): EngineClient {
  const { onExchange, ...endpoint } = more;
  return new EngineClient({
    endpoint: {
      ...{ host: "unix:///the/socket", origin: "option", baseUrl: "http://api.moby.localhost" },
      ...address,
      ...endpoint,
    },
    userAgent: "skopeo/test",
    stallTimeout: 5000,
    onExchange,
  });
}

async function textOf(client: EngineClient, signal?: AbortSignal): Promise<string> {
  await using image = await client.exportImage(REFERENCE, { signal });
  let text = "";
  for await (const chunk of image.bytes) text += Buffer.from(chunk).toString();
  return text;
}

async function* streamOfTexts(...texts: readonly string[]): ByteStream {
  for (const text of texts) yield Buffer.from(text);
}

async function problemOf(promise: Promise<unknown>): Promise<{ code: unknown; message: string }> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error)
      return { code: "code" in error ? error.code : undefined, message: error.message };
  }
  throw new Error("there was no problem");
}

for (const [kind, addressOf] of CLIENTS) {
  describe(`over ${kind}`, () => {
    test("an image is asked for by its escaped name, under the daemon's version", async () => {
      const seen: (string | undefined)[] = [];
      await using daemon = await startDaemon((request, response) => {
        seen.push(request.headers.host, request.headers["user-agent"]);
        response.setHeader("Content-Type", "application/x-tar").end("the archive");
      });
      const client = clientAt(addressOf(daemon.path));
      expect(await textOf(client)).toBe("the archive");
      expect(await textOf(client)).toBe("the archive");
      const get = "GET /v1.44/images/get?names=host%3A5000%2Fsome%2Fapp%3A1";
      expect(daemon.requests).toEqual(["HEAD /_ping", get, get]);
      expect(seen.slice(0, 2)).toEqual(["api.moby.localhost", "skopeo/test"]);
    });

    test("an archive is sent in chunks as a tar", async () => {
      let headers: IncomingMessage["headers"] = {};
      let body = "";
      await using daemon = await startDaemon((request, response, text) => {
        headers = request.headers;
        body = text;
        response.end('{"stream":"Loaded image: app:1\\n"}\r\n');
      });
      await clientAt(addressOf(daemon.path)).loadImage(streamOfTexts("one", "two"));
      expect(body).toBe("onetwo");
      expect(daemon.requests).toEqual(["HEAD /_ping", "POST /v1.44/images/load?quiet=1"]);
      expect(headers).toMatchObject({
        ...{ "content-type": "application/x-tar", "transfer-encoding": "chunked" },
        "user-agent": "skopeo/test",
      });
    });

    test("an export that breaks off is no shorter archive", async () => {
      const answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nstart\r\n";
      const daemon = await startRaw(answer, (text) => text.endsWith("\r\n\r\n"));
      const client = clientAt(addressOf(daemon.path), { apiVersion: "1.44" });
      expect(await problemOf(textOf(client))).toEqual({
        code: "NETWORK_FAILURE",
        message:
          'loading image from docker engine: error during connect: Get "http://api.moby.localhost/v1.44/images/get": ' +
          "connection reset by the server before its answer was complete",
      });
    });

    test("the answer to a load that breaks off is no success", async () => {
      const answer = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n15\r\n{"stream":"Loading"}\n\r\n';
      const daemon = await startRaw(answer, (text) => text.endsWith("0\r\n\r\n"));
      const client = clientAt(addressOf(daemon.path), { apiVersion: "1.44" });
      expect(await problemOf(client.loadImage(streamOfTexts("x")))).toMatchObject({
        code: "NETWORK_FAILURE",
        message: expect.stringMatching(
          /^saving image to docker engine: error during connect: Post .* connection reset/,
        ),
      });
    });

    test("what fails while it is sent is not ended as if it were complete, and keeps its reason", async () => {
      const daemon = await startRaw(undefined, () => false);
      const client = clientAt(addressOf(daemon.path), { apiVersion: "1.44" });
      const reason = new Error("the layer is broken");
      async function* failing(): ByteStream {
        yield Buffer.from("start");
        await Bun.sleep(50);
        throw reason;
      }
      expect(await client.loadImage(failing()).catch((error) => error)).toBe(reason);
      await Bun.sleep(50);
      expect(daemon.received()).toEndWith("start\r\n");
    });

    test("a connection that breaks while an archive is sent is the failure", async () => {
      const daemon = await startRaw("", (text) => text.includes("first"));
      const client = clientAt(addressOf(daemon.path), { apiVersion: "1.44" });
      async function* endless(): ByteStream {
        for (;;) {
          yield Buffer.from("first");
          await Bun.sleep(5);
        }
      }
      expect(await problemOf(client.loadImage(endless()))).toEqual({
        code: "NETWORK_FAILURE",
        message:
          'saving image to docker engine: error during connect: Post "http://api.moby.localhost/v1.44/images/load": ' +
          "connection reset by the server before its answer was complete",
      });
    });

    test("a daemon that refuses early is heard at once, and the rest is not sent", async () => {
      const body = '{"errorDetail":{"message":"disk full"},"error":"disk full"}';
      const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
      const daemon = await startRaw(answer, (text) => text.includes("first"));
      const client = clientAt(addressOf(daemon.path), { apiVersion: "1.44" });
      let isReleased = false;
      async function* endless(): ByteStream {
        try {
          for (;;) {
            yield Buffer.from("first");
            await Bun.sleep(5);
          }
        } finally {
          isReleased = true;
        }
      }
      expect(await problemOf(client.loadImage(endless()))).toEqual({
        code: "STORAGE_FAILURE",
        message: 'docker engine reported: "disk full"',
      });
      for (let wait = 0; wait < 100 && !isReleased; wait++) await Bun.sleep(10);
      expect(isReleased).toBe(true);
    });

    test("an abort ends a ping, an export and a load with its reason", async () => {
      const reason = new DOMException("enough", "AbortError");
      const silent = await startRaw(undefined, () => false);
      const half = await startRaw(undefined, () => false);
      const attempts = [
        (signal: AbortSignal) => textOf(clientAt(addressOf(silent.path)), signal),
        (signal: AbortSignal) => textOf(clientAt(addressOf(silent.path), { apiVersion: "1.44" }), signal),
        (signal: AbortSignal) =>
          clientAt(addressOf(half.path), { apiVersion: "1.44" }).loadImage(streamOfTexts("x"), { signal }),
      ];
      for (const attempt of attempts) {
        const stopping = new AbortController();
        setTimeout(() => stopping.abort(reason), 30);
        expect(await attempt(stopping.signal).catch((error) => error)).toBe(reason);
      }
    });

    test("where nobody listens, the sentence says what to do", async () => {
      const missing = join(temporary("daemon"), "none");
      const wanted = (reason: string, advice: string): { code: unknown; message: string } => ({
        code: "NETWORK_FAILURE",
        message: `loading image from docker engine: Cannot connect to the Docker daemon at unix:///the/socket. Is the docker daemon running? (${reason}: start it, or ${advice})`,
      });
      const none = "there is no such socket";
      for (const [origin, advice] of [
        ["option", "check the docker host that was given"],
        ["DOCKER_HOST", "check DOCKER_HOST"],
        ["default", "set DOCKER_HOST if it is elsewhere"],
      ] as const) {
        expect(await problemOf(textOf(clientAt(addressOf(missing), { origin })))).toEqual(
          wanted(none, advice),
        );
      }
      const file = addressOf(import.meta.path);
      expect(await problemOf(textOf(clientAt(file)))).toEqual(
        wanted("nothing listens on this socket", "check the docker host that was given"),
      );
      const loading = await problemOf(clientAt(addressOf(missing)).loadImage(streamOfTexts("x")));
      expect(loading.message).toStartWith(
        "saving image to docker engine: Cannot connect to the Docker daemon",
      );
    });
  });
}

describe("the version", () => {
  const answering =
    (status: number, version?: string): Handler =>
    (_, response) => {
      response.statusCode = status;
      if (version !== undefined) response.setHeader("Api-Version", version);
      response.end();
    };
  const cases: readonly (readonly [
    name: string,
    head: Handler,
    get: Handler,
    version: string,
    requests: number,
  ])[] = [
    ["is the daemon's", answering(200, "1.41"), answering(500), "1.41", 1],
    ["is ours where the daemon is newer", answering(200, "1.60"), answering(500), "1.51", 1],
    ["is old where the daemon tells none", answering(200), answering(500), "1.24", 1],
    ["is asked for by GET where HEAD is unknown", answering(404), answering(200, "1.30"), "1.30", 2],
    ["is asked for by GET where HEAD is forbidden", answering(405), answering(200), "1.24", 2],
    ["is ours where no ping is answered well", answering(403), answering(403), "1.51", 2],
    ["is ours where the daemon fails", answering(500, "1.41"), answering(200, "1.41"), "1.51", 1],
    [
      "is asked for by GET where HEAD breaks the connection",
      (request) => void request.socket.destroy(),
      answering(200, "1.30"),
      "1.30",
      2,
    ],
  ];
  for (const [name, head, get, version, requests] of cases) {
    test(`${name}: ${version}`, async () => {
      await using daemon = await startDaemon(
        (_, response) => response.end(),
        (request, response, text) => (request.method === "HEAD" ? head : get)(request, response, text),
      );
      const client = clientAt({ unixSocket: daemon.path });
      const versions = await Promise.all([client.apiVersion(), client.apiVersion()]);
      expect(versions).toEqual([version, version] as typeof versions);
      expect(daemon.requests).toHaveLength(requests);
    });
  }

  test("is not asked for where it is fixed", async () => {
    await using daemon = await startDaemon((_, response) => response.end());
    await textOf(clientAt({ unixSocket: daemon.path }, { apiVersion: "1.30" }));
    expect(daemon.requests).toEqual(["GET /v1.30/images/get?names=host%3A5000%2Fsome%2Fapp%3A1"]);
  });

  test("is asked for again after a failure", async () => {
    let isUp = false;
    await using daemon = await startDaemon(
      (_, response) => response.end(),
      (request, response, text) => (isUp ? PING(request, response, text) : void request.socket.destroy()),
    );
    const client = clientAt({ unixSocket: daemon.path });
    expect((await problemOf(client.apiVersion())).code).toBe("NETWORK_FAILURE");
    isUp = true;
    expect(await client.apiVersion()).toBe("1.44");
  });

  test("is not asked of a web server", async () => {
    await using daemon = await startDaemon(PING, (_, response) =>
      response.setHeader("Content-Type", "text/html; charset=utf-8").end("<html>Welcome</html>"),
    );
    expect(await problemOf(textOf(clientAt({ unixSocket: daemon.path })))).toEqual({
      code: "STORAGE_FAILURE",
      message: `loading image from docker engine: ${STRANGER} (a web page, HTTP status 200): check the docker host that was given`,
    });
  });
});

const STRANGER = "the server at unix:///the/socket does not answer as a Docker daemon does";
const PAGE = "text/html";
const JSON_TYPE = "application/json";

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function answer({ status, type, body, headers }: Answer): Handler {
  return (_, response) => void response.writeHead(status, { "Content-Type": type, ...headers }).end(body);
}

describe("an export that is refused", () => {
  const from = "Error response from daemon:";
  const cases: readonly (readonly [Answer, code: string, message: string])[] = [
    [
      { status: 404, type: JSON_TYPE, body: '{"message":"reference does not exist"}' },
      ...(["NOT_FOUND", `${from} reference does not exist ("docker images" lists what is there)`] as const),
    ],
    [
      {
        ...{
          status: 500,
          type: JSON_TYPE,
          body: '{"cause":"image not known","message":"app:1: image not known"}',
        },
        headers: { "Libpod-Api-Version": "5.0.0" },
      },
      ...(["NOT_FOUND", `${from} app:1: image not known ("podman images" lists what is there)`] as const),
    ],
    [
      {
        status: 400,
        type: JSON_TYPE,
        body: '{"message":"client version 1.51 is too new. Maximum supported API version is 1.41"}',
      },
      "STORAGE_FAILURE",
      `${from} client version 1.51 is too new. Maximum supported API version is 1.41 (set DOCKER_API_VERSION to 1.41)`,
    ],
    [
      {
        status: 400,
        type: "text/plain",
        body: "client version 1.51 is too old. Minimum supported API version is 1.60, please upgrade",
      },
      "STORAGE_FAILURE",
      `${from} client version 1.51 is too old. Minimum supported API version is 1.60, please upgrade (skopeo speaks ` +
        'versions up to 1.51; images can still go through files with "docker save" and "docker load")',
    ],
    [
      { status: 403, type: JSON_TYPE, body: '{"message":"authorization denied by plugin"}' },
      ...(["DENIED", `${from} authorization denied by plugin`] as const),
    ],
    [{ status: 500, type: JSON_TYPE, body: '{"message":"broken"}' }, "STORAGE_FAILURE", `${from} broken`],
    [
      { status: 403, type: PAGE, body: "<html><body><h1>403 Forbidden</h1></body></html>" },
      "DENIED",
      "a proxy in front of the Docker daemon at unix:///the/socket answers HTTP status 403: have it allow /_ping, " +
        "/images/get and /images/load",
    ],
    ...(
      [
        [{ status: 200, type: PAGE, body: "<html></html>" }, "a web page, HTTP status 200"],
        [{ status: 502, type: "text/plain", body: "<!doctype html>" }, "a web page, HTTP status 502"],
        [
          { status: 404, type: "text/plain", body: "404 page not found\n" },
          "HTTP status 404, 404 page not found",
        ],
        [{ status: 204, type: "text/plain", body: "" }, "HTTP status 204"],
        [
          { status: 301, type: "text/plain", body: "moved", headers: { Location: "/x" } },
          "HTTP status 301, moved",
        ],
      ] as const
    ).map(([given, what]): [Answer, string, string] => [
      given,
      "STORAGE_FAILURE",
      `${STRANGER} (${what}): check the docker host that was given`,
    ]),
  ];
  for (const [given, code, message] of cases) {
    test(message, async () => {
      await using daemon = await startDaemon(answer(given));
      expect(await problemOf(textOf(clientAt({ unixSocket: daemon.path })))).toEqual({
        code,
        message: `loading image from docker engine: ${message}`,
      });
    });
  }
});

describe("the answer to a load", () => {
  const reply = (body: string): Answer => ({ status: 200, type: JSON_TYPE, body });
  const good = [
    '{"stream":"Loaded image: app:1\\n"}\r\n',
    '{"stream":"a"}\n{"progress":"b"}',
    "",
    '{"error":""}\n',
  ];
  for (const body of good) {
    test(`is a success: ${JSON.stringify(body)}`, async () => {
      await using daemon = await startDaemon(answer(reply(body)));
      await clientAt({ unixSocket: daemon.path }).loadImage(streamOfTexts("x"));
    });
  }

  const NOT_JSON = "which is no message of it: see whether the image is there";
  const bad: readonly (readonly [Answer, message: string])[] = [
    [
      reply('{"stream":"Loading"}\r\n{"errorDetail":{"message":"say \\"no\\""},"error":"other"}\r\n'),
      'docker engine reported: "say \\"no\\""',
    ],
    [reply('{"error":"only this"}'), 'docker engine reported: "only this"'],
    [reply('{"errorDetail":{"code":1}}'), 'docker engine reported: "unknown error"'],
    [reply("OK\n"), `parsing docker load progress: the daemon answered "OK", ${NOT_JSON}`],
    [reply('{"stream":'), `parsing docker load progress: the daemon answered "{\\"stream\\":", ${NOT_JSON}`],
    [reply("7"), `parsing docker load progress: the daemon answered "7", ${NOT_JSON}`],
    [{ status: 500, type: JSON_TYPE, body: '{"message":"no space"}' }, 'docker engine reported: "no space"'],
    [
      { status: 200, type: PAGE, body: "<html>" },
      `${STRANGER} (a web page, HTTP status 200): check the docker host that was given`,
    ],
  ];
  for (const [given, message] of bad) {
    test(message, async () => {
      await using daemon = await startDaemon(answer(given));
      const loading = clientAt({ unixSocket: daemon.path }).loadImage(streamOfTexts("x"));
      expect(await problemOf(loading)).toEqual({ code: "STORAGE_FAILURE", message });
    });
  }

  test("has messages of a sensible length", async () => {
    await using daemon = await startDaemon(answer(reply(`{"stream":"${"x".repeat(3_000_000)}"}`)));
    const loading = clientAt({ unixSocket: daemon.path }).loadImage(streamOfTexts("x"));
    expect((await problemOf(loading)).code).toBe("SIZE_LIMIT");
  });
});

test("a daemon that does not answer a ping is given up", async () => {
  const silent = await startRaw(undefined, () => false);
  const client = new EngineClient({
    endpoint: { host: "unix:///x", origin: "option", baseUrl: "http://h", unixSocket: silent.path },
    ...{ userAgent: "test", stallTimeout: 100 },
  });
  expect(await problemOf(client.apiVersion())).toEqual({
    code: "NETWORK_FAILURE",
    message: "the Docker daemon at unix:///x does not answer: HEAD h: no data for 0.1 s",
  });
});

test("requests are on record", async () => {
  await using daemon = await startDaemon((_, response) => response.end());
  const records: ExchangeRecord[] = [];
  await textOf(clientAt({ unixSocket: daemon.path }, { onExchange: (record) => records.push(record) }));
  expect(records.map(({ method, status }) => `${method} ${status}`)).toEqual(["HEAD 200", "GET 200"]);
});

test("an image that is not read frees its connection", async () => {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  await using daemon = await startDaemon((request, response) => {
    request.socket.on("close", resolve);
    response.write("endless");
  });
  const image = await clientAt({ unixSocket: daemon.path }).exportImage(REFERENCE);
  await image[Symbol.asyncDispose]();
  await closed;
});
