import { NeoError } from "../support/errors.ts";
import type { CommandSpec } from "./command.ts";
import { longName } from "./config.ts";
import { SHARED_OPTIONS } from "./shared-options.ts";

const SHELLS = ["bash", "zsh", "fish", "pwsh"] as const;

export const completion: CommandSpec = {
  name: "completion",
  args: [{ name: "shell", text: SHELLS.join(", ") }],
  options: [],
  examples: ["neo completion bash > ~/.local/share/bash-completion/completions/neo", "neo completion fish | source"],
  exits: { 0: "ok", 2: "unknown shell" },
  async run({ args, commands }) {
    const shell = SHELLS.find((name) => name === args[0]);
    if (!shell) throw new NeoError({ code: "NEO1005", message: `there is no completion for "${args[0]}"`, hint: `one of ${SHELLS.join(", ")}` });
    const specs = await Promise.all(commands.map(({ load }) => load()));
    const script = SCRIPTS[shell](specs);
    return { text: script, result: { shell, script } };
  },
};

function flagsOf(spec: CommandSpec): string[] {
  return [...spec.options, ...SHARED_OPTIONS].map((option) => `--${longName(option)}`);
}

function namesOf(specs: readonly CommandSpec[]): string {
  return specs.map(({ name }) => name).join(" ");
}

const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], (specs: readonly CommandSpec[]) => string>> = {
  bash: (specs) => `_neo() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  case "$prev" in
    -t|--target) COMPREPLY=($(compgen -W "$(neo targets --json 2>/dev/null | grep -o '"name":"[^"]*"' | cut -d'"' -f4)" -- "$cur")); return ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W "${namesOf(specs)}" -- "$cur")); return; fi
  case "\${COMP_WORDS[1]}" in
${specs.map((spec) => `    ${spec.name}) [[ "$cur" == -* ]] && COMPREPLY=($(compgen -W "${flagsOf(spec).join(" ")}" -- "$cur")) ;;`).join("\n")}
  esac
  [ \${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- "$cur"))
}
complete -o filenames -F _neo neo
`,
  zsh: (specs) => `#compdef neo
_neo() {
  if (( CURRENT == 2 )); then compadd ${namesOf(specs)}; return; fi
  case "$words[CURRENT-1]" in
    -t|--target) compadd $(neo targets --json 2>/dev/null | grep -o '"name":"[^"]*"' | cut -d'"' -f4); return ;;
  esac
  case "$words[2]" in
${specs.map((spec) => `    ${spec.name}) [[ "$PREFIX" == -* ]] && { compadd -- ${flagsOf(spec).join(" ")}; return } ;;`).join("\n")}
  esac
  _files
}
compdef _neo neo
`,
  fish: (specs) =>
    [
      `complete -c neo -n __fish_use_subcommand -f -a "${namesOf(specs)}"`,
      `complete -c neo -s t -l target -x -a "(neo targets --json 2>/dev/null | string match -ra '\\"name\\":\\"[^\\"]*' | string replace -r '.*\\"' '')"`,
      ...specs.flatMap((spec) =>
        [...spec.options, ...SHARED_OPTIONS].map(
          (option) => `complete -c neo -n "__fish_seen_subcommand_from ${spec.name}" -l ${longName(option)} -d ${quote(option.text)}`,
        ),
      ),
      "",
    ].join("\n"),
  pwsh: (specs) => `Register-ArgumentCompleter -Native -CommandName neo -ScriptBlock {
  param($word, $ast, $position)
  $flags = @{
${specs.map((spec) => `    '${spec.name}' = '${flagsOf(spec).join(" ")}'`).join("\n")}
  }
  $parts = $ast.CommandElements | ForEach-Object { $_.ToString() }
  $all = if ($parts.Count -le 2 -and $word -notlike '-*') { '${namesOf(specs)}' } else { $flags[$parts[1]] }
  $all -split ' ' | Where-Object { $_ -like "$word*" } | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`,
};

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
