"""Makes the manual page of a program from its definitions, as swift-argument-parser dumps them, in mdoc(7).

    freshet --experimental-dump-help | python3 scripts/lib/manual.py > freshet.1
"""

import json
import sys
import textwrap


def escaped(text):
    """Text that roff reads as it is: no escapes, and no line that is taken for a request."""
    lines = []
    for line in text.replace("\\", "\\e").replace("-", "\\-").splitlines():
        lines.append("\\&" + line if line[:1] in (".", "'") else line)
    return "\n".join(lines)


def spelled(name):
    return f"--{name['name']}" if name["kind"] == "long" else f"-{name['name']}"


def described(argument):
    names = [spelled(name) for name in argument.get("names", [])]
    value = argument.get("valueName", "value")
    if argument["kind"] == "positional":
        head = f".It Ar {escaped(value)}"
    else:
        head = ".It " + escaped(", ".join(names)) + (f" Ar {escaped(value)}" if argument["kind"] == "option" else "")
    help = " ".join(part for part in (argument.get("abstract", ""), argument.get("discussion", "")) if part)
    if (default := argument.get("defaultValue")) is not None:
        help += f" (default: {default})"
    return f"{head}\n{escaped(help)}" if help else head


def section(command, path):
    """A command, as a subsection, and those below it."""
    arguments = [one for one in command.get("arguments", []) if one.get("shouldDisplay", True)]
    lines = [f".Ss {escaped(' '.join(path))}"]
    for key in ("abstract", "discussion"):
        if text := command.get(key):
            lines += [".Pp", escaped(textwrap.dedent(text))]
    if arguments:
        lines += [".Bl -tag -width 6n"] + [described(one) for one in arguments] + [".El"]
    for below in command.get("subcommands", []):
        if below.get("shouldDisplay", True) and below["commandName"] != "help":
            lines.append(section(below, [*path, below["commandName"]]))
    return "\n".join(lines)


def main():
    command = json.load(sys.stdin)["command"]
    name = command["commandName"]
    print(f".Dd $Mdocdate$\n.Dt {name.upper()} 1\n.Os\n.Sh NAME\n.Nm {name}")
    print(f".Nd {escaped(command.get('abstract', '').rstrip('.').lower())}")
    print(f".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar arguments\n.Sh DESCRIPTION\n{escaped(command.get('discussion', ''))}")
    print(".Sh COMMANDS")
    for below in command.get("subcommands", []):
        if below.get("shouldDisplay", True) and below["commandName"] != "help":
            print(section(below, [name, below["commandName"]]))
    print(".Sh EXIT STATUS\n.Ex -std")


main()
