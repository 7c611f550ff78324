/** Shells that are known, each with a script that asks the program itself for what can come next. */
export const COMPLETION_SCRIPTS: Readonly<Record<string, string>> = {
  bash: `# bash completion for skopeo; to be sourced, or put into ~/.local/share/bash-completion/completions/skopeo
_skopeo() {
  local line=\${COMP_LINE:0:COMP_POINT} words=() candidates=() text directive=0 current prefix=""
  read -r -a words <<<"$line"
  [[ $line == *[[:blank:]] ]] && words+=("")
  current=\${words[\${#words[@]} - 1]}
  # Of a word with : or = in it, bash replaces what follows the last of these.
  [[ $current == *[:=]* ]] && prefix=\${current%"\${current##*[:=]}"}
  while IFS= read -r text; do
    if [[ $text == :[0-9]* ]]; then directive=\${text#:}
    else
      text=\${text%%$'\\t'*}
      candidates+=("\${text#"$prefix"}")
    fi
  done < <("\${words[0]}" __complete "\${words[@]:1}" 2>/dev/null)
  COMPREPLY=("\${candidates[@]}")
  ((directive & 2)) && compopt -o nospace
  if ((\${#candidates[@]} == 0 && !(directive & 4))); then compopt -o default; fi
}
complete -F _skopeo skopeo
`,
  zsh: `#compdef skopeo
# zsh completion for skopeo; to be put into a directory of $fpath as _skopeo, or sourced after compinit
_skopeo() {
  local -a values texts lines
  local line directive=0 tab=$'\\t'
  lines=("\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in $lines; do
    if [[ $line == :<-> ]]; then directive=\${line#:}
    elif [[ -n $line ]]; then
      values+=("\${line%%$tab*}")
      texts+=("\${line/$tab/  -- }")
    fi
  done
  if (( \${#values} == 0 )); then
    (( directive & 4 )) || _files
  elif (( directive & 2 )); then compadd -Q -S '' -l -d texts -a values
  else compadd -Q -l -d texts -a values
  fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _skopeo "$@"; else compdef _skopeo skopeo; fi
`,
  fish: `# fish completion for skopeo; to be put into ~/.config/fish/completions/skopeo.fish
function __skopeo_complete
    set -l words (commandline -opc)
    set -l lines ($words[1] __complete $words[2..] (commandline -ct) 2>/dev/null)
    set -l candidates (string match -v -r '^:\\d+$' -- $lines)
    if test (count $candidates) -gt 0
        printf '%s\\n' $candidates
    else if not contains -- ':4' $lines
        __fish_complete_path (commandline -ct)
    end
end
complete -c skopeo -f -k -a '(__skopeo_complete)'
`,
  powershell: `# PowerShell completion for skopeo; to be dot-sourced, or added to $PROFILE
Register-ArgumentCompleter -Native -CommandName 'skopeo' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" })
    if ($wordToComplete -eq '') { $words += '' }
    $lines = @(& $commandAst.CommandElements[0].Value __complete @words 2>$null)
    foreach ($line in $lines) {
        if ($line -match '^:\\d+$') { continue }
        $value, $text = $line -split "\`t", 2
        if (-not $text) { $text = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $text)
    }
}
`,
};
