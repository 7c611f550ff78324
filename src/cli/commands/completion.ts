import { type Command, defineCommand } from "../command.ts";
import { COMPLETION_SCRIPTS } from "../completion/scripts.ts";
import type { FlagTableOf } from "../flag.ts";
import { commandHelp } from "../help.ts";

const flags: FlagTableOf<{ "no-descriptions": "boolean" }> = {
  "no-descriptions": { kind: "boolean", group: "Output", summary: "offer names without what they mean" },
};

export const command: Command = defineCommand({
  name: "completion",
  synopsis: "bash | zsh | fish | powershell",
  summary: "Print a script that completes command lines",
  description:
    "The script asks skopeo itself what can come next: commands, flags and their values, transports, and the files of image names.",
  examples: [
    {
      purpose: "for this bash",
      command: "completion bash > ~/.local/share/bash-completion/completions/skopeo",
    },
    { purpose: "for zsh, in a directory of $fpath", command: "completion zsh > ~/.zfunc/_skopeo" },
    { purpose: "for fish", command: "completion fish > ~/.config/fish/completions/skopeo.fish" },
  ],
  flags,
  async run({ arguments: [shell = ""], flags: given, stdout }) {
    // Real skopeo takes an unknown shell for a question about the known ones.
    const script = Object.hasOwn(COMPLETION_SCRIPTS, shell) ? COMPLETION_SCRIPTS[shell] : undefined;
    if (script === undefined) stdout.write(commandHelp(command));
    else
      stdout.write(given["no-descriptions"] ? script.replaceAll("__complete ", "__completeNoDesc ") : script);
  },
});
