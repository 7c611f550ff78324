class Skopeo < Formula
  desc "@SUMMARY@"
  homepage "@HOME@"
  version "@VERSION@"
  license "Apache-2.0"

  on_macos do
    on_arm do
      url "@URL@/archives/skopeo-@VERSION@-darwin-arm64.tar.gz"
      sha256 "@SHA256:darwin-arm64@"
    end
    on_intel do
      url "@URL@/archives/skopeo-@VERSION@-darwin-x64.tar.gz"
      sha256 "@SHA256:darwin-x64@"
    end
  end

  on_linux do
    on_arm do
      url "@URL@/archives/skopeo-@VERSION@-linux-arm64.tar.gz"
      sha256 "@SHA256:linux-arm64@"
    end
    on_intel do
      url "@URL@/archives/skopeo-@VERSION@-linux-x64.tar.gz"
      sha256 "@SHA256:linux-x64@"
    end
  end

  def install
    bin.install "bin/skopeo"
    man1.install Dir["share/man/man1/*.1"]
    bash_completion.install "share/bash-completion/completions/skopeo"
    zsh_completion.install "share/zsh/site-functions/_skopeo"
    fish_completion.install "share/fish/vendor_completions.d/skopeo.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/skopeo --version")
    (testpath/"manifest.json").write "{}"
    assert_match(/\Asha256:/, shell_output("#{bin}/skopeo manifest-digest manifest.json"))
  end
end
