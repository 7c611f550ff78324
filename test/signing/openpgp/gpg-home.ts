import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "../../support/run.ts";

/** A GnuPG home of its own, with its agent. Its path is short, because those of sockets must be. */
export class GpgHome implements AsyncDisposable {
  readonly path: string = mkdtempSync("/tmp/g");
  readonly env: Readonly<Record<string, string>>;

  constructor(configuration: string = "") {
    this.env = { PATH: process.env.PATH ?? "", HOME: this.path, GNUPGHOME: this.path };
    writeFileSync(join(this.path, "gpg.conf"), configuration);
    // No program may ask anybody for a passphrase, and none needs to be hard to guess.
    writeFileSync(join(this.path, "gpg-agent.conf"), "pinentry-program /bin/false\ns2k-count 65536\n");
    mkdirSync(join(this.path, "private-keys-v1.d"), { mode: 0o700 });
  }

  async gpg(...words: readonly string[]): Promise<string> {
    return await mustRun(["gpg", "--batch", "--no-tty", "--utf8-strings", ...words], { env: this.env });
  }

  /** Makes a key, and gives its fingerprint. */
  async makeKey(userId: string, passphrase: string = "", ...options: readonly string[]): Promise<string> {
    const protection = ["--pinentry-mode", "loopback", "--passphrase", passphrase];
    const status = await this.gpg(
      ...["--status-fd", "1", ...protection, ...options],
      ...["--quick-generate-key", userId, "ed25519", "sign", "1y"],
    );
    return /KEY_CREATED \S+ (\w{40})/.exec(status)?.[1] ?? "";
  }

  /** Gives a key without a passphrase a subkey that signs, too. */
  async addSubkey(fingerprint: string, ...options: readonly string[]): Promise<string> {
    const protection = ["--pinentry-mode", "loopback", "--passphrase", ""];
    await this.gpg(...protection, ...options, "--quick-add-key", fingerprint, "ed25519", "sign", "1y");
    const listed = await this.gpg("--with-colons", "--list-keys", fingerprint);
    return /^sub:[\s\S]*?^fpr:+(\w{40}):/m.exec(listed)?.[1] ?? "";
  }

  /** Revokes a key with the certificate that was made with it. */
  async revoke(fingerprint: string): Promise<void> {
    const path = join(this.path, "openpgp-revocs.d", `${fingerprint}.rev`);
    writeFileSync(path, readFileSync(path, "utf8").replace(/^:---/m, "---"));
    await this.gpg("--import", path);
  }

  /** What is exported, as bytes. */
  async export(what: string, key: string, passphrase: string = ""): Promise<Uint8Array> {
    const path = join(this.path, `exported-${key}-${what.length}`);
    const protection = ["--pinentry-mode", "loopback", "--passphrase", passphrase];
    await this.gpg("--yes", ...protection, "--output", path, what, key);
    return new Uint8Array(readFileSync(path));
  }

  /** Writes a file into the home. */
  write(name: string, content: Uint8Array | string): string {
    const path = join(this.path, name);
    writeFileSync(path, content);
    return path;
  }

  /** Makes the agent forget all passphrases. */
  async forget(): Promise<void> {
    await mustRun(["gpgconf", "--homedir", this.path, "--kill", "all"], { env: this.env });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.forget();
    rmSync(this.path, { recursive: true, force: true });
  }
}
