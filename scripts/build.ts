import { mkdirSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { bundleApart } from "./build/libraries-apart.ts";

/**
 * Makes dist/skopeo: one file that needs nothing installed; or, as `build.ts TARGET FILE`, the same for one of Bun's targets.
 * Splitting keeps dynamic imports lazy, and bytecode spares parsing at every start. What lies in the directory where the program
 * is run must not be able to configure it, let alone to run in it: neither .env nor bunfig.toml is read.
 */
const ROOT = join(import.meta.dirname, "..");
const [target, file = join(ROOT, "dist", "skopeo")] = process.argv.slice(2);
const outfile = resolve(file);
mkdirSync(dirname(outfile), { recursive: true });

const stage = `${outfile}.libraries`;
try {
  const apart = await bundleApart(ROOT, stage);
  await Bun.build({
    entrypoints: [join(ROOT, "src", "cli", "bin.ts"), join(ROOT, "src", "runtime", "compression-worker.ts")],
    naming: { entry: "[name].[ext]" },
    plugins: [apart],
    format: "esm",
    splitting: true,
    minify: true,
    bytecode: true,
    compile: {
      outfile,
      // Until src/runtime/jit-policy.ts ends it: the start is for running code, not for compiling it.
      jitPolicy: 10,
      ...(target === undefined ? {} : { target: target as Bun.Build.CompileTarget }),
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
  });
} finally {
  rmSync(stage, { recursive: true, force: true });
}
console.log(`${outfile}: ${(statSync(outfile).size / 1e6).toFixed(1)} MB`);
