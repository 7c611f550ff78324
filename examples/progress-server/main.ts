/**
 * A web server that copies images and tells how far it is, as server-sent events: `POST /copies` with
 * `{"source": "docker://…", "destination": "docker://…"}`. Who goes away cancels the copy. PORT is 8080 by default.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type CopyEvent, copy, ImageError } from "skopeo-ts";

interface CopyOrder {
  readonly source: string;
  readonly destination: string;
}

const access = process.env.PLAIN_HTTP === "true" ? { tlsVerify: false } : undefined;
const server = createServer((request, response) => {
  if (request.method === "POST" && request.url === "/copies") void serveCopy(request, response);
  else response.writeHead(404).end();
});
server.listen(Number(process.env.PORT ?? "8080"), "127.0.0.1", () => {
  console.log(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

async function serveCopy(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const order = readOrder(await readBody(request));
  if (order === undefined) return void response.writeHead(400).end("expected source and destination\n");
  const gone = new AbortController();
  response.on("close", () => gone.abort(new Error("the client has gone")));
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  const send = (event: CopyEvent | Outcome): void =>
    void response.write(`event: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`);
  try {
    const { digest, isUnchanged } = await copy(order.source, order.destination, {
      signal: gone.signal,
      policy: "accept-anything",
      sourceAccess: access,
      destinationAccess: access,
      onEvent: send,
    });
    send({ kind: "done", digest, isUnchanged });
  } catch (error) {
    console.log(`failed: ${error instanceof Error ? error.message : String(error)}`);
    send({
      kind: "failed",
      code: error instanceof ImageError ? error.code : "FAILED",
      message: String(error),
    });
  }
  response.end();
}

type Outcome =
  | { readonly kind: "done"; readonly digest: string; readonly isUnchanged: boolean }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

async function readBody(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 10_000) return "";
  }
  return text;
}

function readOrder(body: string): CopyOrder | undefined {
  try {
    const { source, destination }: Partial<CopyOrder> = JSON.parse(body);
    return typeof source === "string" && typeof destination === "string"
      ? { source, destination }
      : undefined;
  } catch {
    return undefined;
  }
}
