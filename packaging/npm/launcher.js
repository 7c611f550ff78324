#!/usr/bin/env node
// Runs the binary of this system, if its package is installed, and the same program on Node otherwise. Where npm may run
// install scripts, install.js has put the binary in this file's place, which spares a start of Node.
import { spawn } from "node:child_process";
import { findBinary } from "./find-binary.js";

const binary = findBinary();
if (binary === undefined) await import("../dist/library/cli/bin.js");
else {
  const child = spawn(binary, process.argv.slice(2), { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`skopeo: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exitCode = code ?? 1;
    else {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
  });
}
