import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createAuthority } from "./certificates.ts";
import { freePort } from "./docker-registry.ts";
import { findProgram } from "./peers.ts";

/** A running daemon with Docker's Engine API, with its images in a directory of its own. */
export interface DockerDaemon extends AsyncDisposable {
  /** `dockerd` or `podman`. */
  readonly program: string;
  /** `unix:///PATH`. */
  readonly host: string;
  readonly socket: string;
  /** `127.0.0.1:PORT`, where it speaks TLS; absent where it listens at its socket only. */
  readonly tlsHost?: string;
  /** With `ca.pem`, `cert.pem` and `key.pem` for `tlsHost`. */
  readonly certificates?: string;
}

/** Where daemons keep what cannot be configured; each gets empty ones. */
const PRIVATE_DIRECTORIES = ["/etc/docker", "/run/docker", "/run/containerd", "/opt/containerd"];
const START_ATTEMPTS = 1200;
const PAUSE = 25;

const daemons = new Set<Bun.Subprocess>();
process.on("exit", () => {
  for (const child of daemons) child.kill("SIGKILL");
});

/**
 * Starts Debian's docker.io (package of `dockerd`), listening at a socket and at a TLS port. It and all that it starts
 * live in namespaces of their own, and end with them. Undefined, with a line that tells why, where that cannot be.
 */
export async function startDockerd(): Promise<DockerDaemon | undefined> {
  const program = findDaemon("dockerd", ["openssl"]);
  if (program === undefined) return undefined;
  const directory = mkdtempSync(join(tmpdir(), "dockerd-"));
  const { certificates, server } = await writeCertificates(directory);
  const tlsHost = `127.0.0.1:${await freePort()}`;
  const socket = join(directory, "docker.sock");
  writeFileSync(join(directory, "daemon.json"), "{}");
  const command = [
    ...[program, "--config-file", join(directory, "daemon.json"), "--data-root", join(directory, "data")],
    ...["--exec-root", join(directory, "exec"), "--pidfile", join(directory, "pid")],
    ...["--storage-driver", "vfs", "--group", "root", "--host", `unix://${socket}`],
    ...["--host", `tcp://${tlsHost}`, "--tlsverify", "--tlscacert", join(certificates, "ca.pem")],
    ...["--tlscert", server.certificate, "--tlskey", server.key],
    ...["--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"],
    ...["--ip-masq=false", "--userland-proxy=false"],
  ];
  const daemon = await start({ program: "dockerd", directory, socket, command });
  return daemon === undefined ? undefined : { ...daemon, tlsHost, certificates };
}

/** Starts Podman's service of the same API, listening at a socket. Undefined, with a line, where that cannot be. */
export async function startPodman(): Promise<DockerDaemon | undefined> {
  const program = findDaemon("podman", []);
  if (program === undefined) return undefined;
  const directory = mkdtempSync(join(tmpdir(), "podman-"));
  const socket = join(directory, "podman.sock");
  const environment = writePodmanConfiguration(directory);
  const command = [program, "system", "service", "--time=0", `unix://${socket}`];
  return await start({ program: "podman", directory, socket, command, environment });
}

function findDaemon(name: string, needed: readonly string[]): string | undefined {
  const path = findProgram(name);
  const missing = [name, "unshare", ...needed].filter((program) => findProgram(program) === undefined);
  if (process.getuid?.() !== 0) missing.push("root");
  if (missing.length > 0) console.error(`LEFT OUT for want of ${missing.join(", ")}: images of ${name}`);
  return missing.length > 0 ? undefined : path;
}

interface DaemonStart {
  readonly program: string;
  readonly directory: string;
  readonly socket: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

async function start(request: DaemonStart): Promise<DockerDaemon | undefined> {
  const { program, directory, socket, command } = request;
  for (const path of PRIVATE_DIRECTORIES) mkdirSync(path, { recursive: true });
  const mounts = PRIVATE_DIRECTORIES.map((path) => `mount -t tmpfs tmpfs ${path}`).join(" && ");
  const log = join(directory, "log");
  const child = Bun.spawn(
    [
      ...[
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
      ],
      ...["sh", "-c", `${mounts} && exec "$@"`, "sh", ...command],
    ],
    {
      ...{ stdin: "ignore", stdout: Bun.file(log), stderr: Bun.file(log) },
      env: {
        PATH: `${dirname(command[0] ?? "")}:${process.env.PATH ?? ""}`,
        HOME: directory,
        ...request.environment,
      },
    },
  );
  daemons.add(child);
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await child.exited;
    daemons.delete(child);
    rmSync(directory, { recursive: true, force: true });
  };
  if (await answers(socket, child)) {
    return { program, host: `unix://${socket}`, socket, [Symbol.asyncDispose]: stop };
  }
  const reason = readFileSync(log, "utf8").trim().split("\n").at(-1);
  console.error(`LEFT OUT because ${program} does not start: images of ${program} (${reason})`);
  await stop();
  return undefined;
}

async function answers(socket: string, child: Bun.Subprocess): Promise<boolean> {
  for (let attempt = 0; attempt < START_ATTEMPTS && child.exitCode === null; attempt++) {
    if (existsSync(socket)) {
      try {
        return (await fetch("http://localhost/_ping", { unix: socket })).ok;
      } catch {
        // It listens, but not yet.
      }
    }
    await Bun.sleep(PAUSE);
  }
  return false;
}

async function writeCertificates(
  directory: string,
): Promise<{ certificates: string; server: { certificate: string; key: string } }> {
  const authority = await createAuthority();
  const [server, client] = [await authority.issue("server"), await authority.issue("client")];
  const certificates = join(directory, "certificates");
  mkdirSync(certificates);
  copyFileSync(authority.certificate, join(certificates, "ca.pem"));
  copyFileSync(client.certificate, join(certificates, "cert.pem"));
  copyFileSync(client.key, join(certificates, "key.pem"));
  return { certificates, server };
}

/** Gives the environment that points Podman to it. */
function writePodmanConfiguration(directory: string): Record<string, string> {
  const inside = (name: string): string => join(directory, name);
  const write = (name: string, text: string): string => {
    writeFileSync(inside(name), text);
    return inside(name);
  };
  for (const name of ["graph", "run", "tmp", "net"]) mkdirSync(inside(name));
  const policy = inside(".config/containers");
  mkdirSync(policy, { recursive: true });
  writeFileSync(join(policy, "policy.json"), '{"default":[{"type":"insecureAcceptAnything"}]}');
  return {
    XDG_RUNTIME_DIR: inside("tmp"),
    CONTAINERS_REGISTRIES_CONF: write("registries.conf", ""),
    CONTAINERS_STORAGE_CONF: write(
      "storage.conf",
      `[storage]\ndriver = "vfs"\ngraphroot = "${inside("graph")}"\nrunroot = "${inside("run")}"\n`,
    ),
    CONTAINERS_CONF: write(
      "containers.conf",
      '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nlock_type = "file"\n' +
        `tmp_dir = "${inside("tmp")}"\nstatic_dir = "${inside("graph/libpod")}"\n` +
        `volume_path = "${inside("graph/volumes")}"\n[network]\nnetwork_config_dir = "${inside("net")}"\n`,
    ),
  };
}
