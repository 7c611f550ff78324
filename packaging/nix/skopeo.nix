# nix-build -E '(import <nixpkgs> { }).callPackage ./skopeo.nix { }'
{
  lib,
  stdenv,
  fetchurl,
  autoPatchelfHook,
  installShellFiles,
}:

let
  version = "@VERSION@";
  archives = {
    x86_64-linux = {
      system = "linux-x64";
      sha256 = "@SHA256:linux-x64@";
    };
    aarch64-linux = {
      system = "linux-arm64";
      sha256 = "@SHA256:linux-arm64@";
    };
    x86_64-darwin = {
      system = "darwin-x64";
      sha256 = "@SHA256:darwin-x64@";
    };
    aarch64-darwin = {
      system = "darwin-arm64";
      sha256 = "@SHA256:darwin-arm64@";
    };
  };
  archive =
    archives.${stdenv.hostPlatform.system}
      or (throw "skopeo has no binary for ${stdenv.hostPlatform.system}");
in
stdenv.mkDerivation {
  pname = "skopeo-ts";
  inherit version;

  src = fetchurl {
    url = "@URL@/archives/skopeo-${version}-${archive.system}.tar.gz";
    inherit (archive) sha256;
  };

  nativeBuildInputs = [
    installShellFiles
  ]
  ++ lib.optionals stdenv.hostPlatform.isLinux [ autoPatchelfHook ];

  # The program is data of the runtime that it lies in; strip would take it out.
  dontStrip = true;

  installPhase = ''
    runHook preInstall
    install -D bin/skopeo "$out/bin/skopeo"
    installManPage share/man/man1/*.1
    installShellCompletion --bash share/bash-completion/completions/skopeo
    installShellCompletion --zsh share/zsh/site-functions/_skopeo
    installShellCompletion --fish share/fish/vendor_completions.d/skopeo.fish
    runHook postInstall
  '';

  meta = {
    description = "@SUMMARY@";
    homepage = "@HOME@";
    license = lib.licenses.asl20;
    mainProgram = "skopeo";
    platforms = builtins.attrNames archives;
    sourceProvenance = [ lib.sourceTypes.binaryNativeCode ];
  };
}
