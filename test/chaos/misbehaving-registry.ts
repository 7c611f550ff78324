import { request as httpRequest } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type Fault, faultName } from "./fault.ts";
import { HttpReader, type WireRequest } from "./http-reader.ts";

/** A request as a rule sees it. */
export interface SeenRequest extends WireRequest {
  /** How often this method and path have come, this time included. */
  readonly count: number;
}

/** Says what goes wrong with a request; undefined when all goes well. */
export type Rule = (request: SeenRequest) => Fault | undefined;

/** A registry behind a proxy that lies, loses and dawdles. */
export interface MisbehavingRegistry extends AsyncDisposable {
  readonly host: string;
  /** Each request in order. */
  readonly requests: readonly SeenRequest[];
  /** How often each fault has happened, by `faultName`. */
  readonly faults: ReadonlyMap<string, number>;
}

interface WireAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/**
 * Stands before the registry at `upstream` (`host:port`, plain HTTP). It speaks HTTP over bare sockets, because a server made
 * for the purpose would not lie. Without an upstream what no rule answers is 404.
 */
export async function startMisbehaving(
  upstream: string | undefined,
  rule: Rule,
): Promise<MisbehavingRegistry> {
  const sockets = new Set<Socket>();
  const requests: SeenRequest[] = [];
  const faults = new Map<string, number>();
  const counts = new Map<string, number>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    void serve(socket).catch(() => socket.destroy());
  });
  const serve = async (socket: Socket): Promise<void> => {
    const reader = new HttpReader(socket);
    for (let wire = await reader.next(); wire !== undefined; wire = await reader.next()) {
      const line = `${wire.method} ${wire.target.split("?")[0]}`;
      const count = (counts.get(line) ?? 0) + 1;
      counts.set(line, count);
      const request = { ...wire, count };
      requests.push(request);
      const fault = rule(request);
      if (fault !== undefined) faults.set(faultName(fault), (faults.get(faultName(fault)) ?? 0) + 1);
      if (!(await exchange(socket, upstream, request, fault))) return;
    }
    socket.end();
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    faults,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Whether the connection is good for another request. */
async function exchange(
  socket: Socket,
  upstream: string | undefined,
  request: SeenRequest,
  fault: Fault | undefined,
): Promise<boolean> {
  if (fault?.kind === "lost request") {
    socket.resetAndDestroy();
    return false;
  }
  const answer = await answerTo(upstream, request, fault);
  switch (fault?.kind) {
    case "delay":
      await Bun.sleep(fault.time);
      return await send(socket, answer);
    case "silence":
      return false;
    case "lost answer":
      socket.resetAndDestroy();
      return false;
    case "stall":
      await write(socket, headOf(answer), answer.body.subarray(0, fault.after));
      return false;
    case "reset":
      await write(socket, headOf(answer), answer.body.subarray(0, fault.after));
      await Bun.sleep(20);
      socket.resetAndDestroy();
      return false;
    case "half-close":
      await write(socket, headOf(answer), answer.body.subarray(0, fault.after));
      socket.end();
      return false;
    case "truncate":
      if (fault.honest) return await send(socket, { ...answer, body: answer.body.subarray(0, fault.after) });
      await write(socket, headOf(answer), answer.body.subarray(0, fault.after));
      socket.end();
      return false;
    case "content length":
      await write(socket, headOf(answer, answer.body.length + fault.delta), answer.body);
      socket.end();
      return false;
    case "slow head":
      return await sendSlowly(socket, answer, fault.time);
    default:
      return await send(socket, answer, request.method !== "HEAD");
  }
}

async function answerTo(
  upstream: string | undefined,
  request: SeenRequest,
  fault: Fault | undefined,
): Promise<WireAnswer> {
  if (fault?.kind === "answer") {
    return { status: fault.status, headers: fault.headers ?? [], body: Buffer.from(fault.body ?? "") };
  }
  if (fault?.kind === "flip sent bit")
    return await pass(upstream, { ...request, body: flipped(request.body, fault.at) });
  if (fault?.kind === "range" && fault.answer !== "refused")
    return await misranged(upstream, request, fault.answer);
  if (fault?.kind === "range") return { status: 416, headers: [], body: Buffer.alloc(0) };
  const answer = await pass(upstream, request);
  if (fault?.kind === "flip bit") return { ...answer, body: flipped(answer.body, fault.at) };
  if (fault?.kind !== "headers") return answer;
  const names = new Set(fault.headers.map(([name]) => name.toLowerCase()));
  const kept = answer.headers.filter(([name]) => !names.has(name.toLowerCase()));
  return { ...answer, headers: [...kept, ...fault.headers] };
}

/** To a question for a part: the whole, or one from another byte on. */
async function misranged(
  upstream: string | undefined,
  request: SeenRequest,
  wrong: "whole" | "another part",
): Promise<WireAnswer> {
  const headers = new Map([...request.headers].filter(([name]) => name !== "range"));
  const answer = await pass(upstream, { ...request, headers });
  if (wrong === "whole" || !request.headers.has("range")) return answer;
  const range = `bytes 7-${answer.body.length - 1}/${answer.body.length}`;
  return { status: 206, headers: [["Content-Range", range]], body: answer.body.subarray(7) };
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  const index = copy.length === 0 ? 0 : at % copy.length;
  copy.writeUInt8((copy[index] ?? 0) ^ 1, index);
  return copy;
}

/** What the registry itself says. */
async function pass(upstream: string | undefined, request: WireRequest): Promise<WireAnswer> {
  if (upstream === undefined) return { status: 404, headers: [], body: Buffer.alloc(0) };
  const [hostname = "", port = ""] = upstream.split(":");
  const { method, target: path } = request;
  const dropped = new Set(["connection", "transfer-encoding", "content-length"]);
  const headers = Object.fromEntries([...request.headers].filter(([name]) => !dropped.has(name)));
  return await new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      { hostname, port, path, method, headers: { ...headers, "content-length": request.body.length } },
      async (answer) => {
        const chunks: Buffer[] = [];
        answer.on("error", reject);
        for await (const chunk of answer) chunks.push(Buffer.from(chunk));
        const hop = new Set(["connection", "keep-alive", "transfer-encoding"]);
        const entries = Object.entries(answer.headers).filter(([name]) => !hop.has(name));
        const flat = entries.map(([name, value]): [string, string] => [name, String(value)]);
        const isHead = method === "HEAD";
        const kept = isHead ? flat : flat.filter(([name]) => name !== "content-length");
        resolve({ status: answer.statusCode ?? 502, headers: kept, body: Buffer.concat(chunks) });
      },
    );
    outgoing.on("error", reject);
    outgoing.end(request.body);
  });
}

function headOf({ status, headers, body }: WireAnswer, length: number = body.length): Buffer {
  const isSaid = headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
  const own: readonly [string, string][] =
    isSaid || status === 204 ? [] : [["Content-Length", String(length)]];
  const lines = [...headers, ...own].map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`HTTP/1.1 ${status} Whatever\r\n${lines.join("")}\r\n`, "latin1");
}

async function send(socket: Socket, answer: WireAnswer, withBody: boolean = true): Promise<boolean> {
  await write(socket, headOf(answer), withBody ? answer.body : Buffer.alloc(0));
  return true;
}

async function sendSlowly(socket: Socket, answer: WireAnswer, time: number): Promise<boolean> {
  for (const byte of headOf(answer)) {
    if (socket.destroyed) return false;
    await write(socket, Buffer.of(byte));
    await Bun.sleep(time);
  }
  await write(socket, answer.body);
  return true;
}

async function write(socket: Socket, ...parts: readonly Buffer[]): Promise<void> {
  await new Promise<void>((resolve, reject) =>
    socket.write(Buffer.concat(parts), (error) => (error ? reject(error) : resolve())),
  );
}
