"""The interfaces of the standard library's modules, as far as scripts/check-availability reads them: what is declared, and since
which of Apple's systems."""

import bisect
import collections
import functools
import re

DECLARATION = re.compile(
    r"(?:(?:public|package|internal|open|final|static|class(?=\s+(?:func|var))|mutating|nonmutating|consuming|borrowing|nonisolated(?:\(\w+\))?"
    r"|__consuming|indirect|override|required|convenience|dynamic|weak|unowned|optional|lazy|prefix|postfix|infix)\s+)*"
    r"(func|init|var|let|subscript|struct|class|enum|protocol|actor|typealias|extension|case|macro)\b[?!]?\s*([\w.]+)?"
)
ATTRIBUTE = re.compile(r"@\w+(?:\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))?\s*")
TYPES = {"struct", "class", "enum", "protocol", "actor"}


def version(text):
    """Three numbers, of which the last may be left out."""
    numbers = [int(part) for part in text.split(".")]
    return tuple(numbers + [0] * (3 - len(numbers)))


def shown(version):
    return ".".join(map(str, version)).removesuffix(".0").removesuffix(".0")


NONE = (0, 0, 0)


class Declaration:
    def __init__(self, module, container, kind, name, parameters, macos, ios):
        self.module, self.container, self.kind, self.name = module, container, kind, name
        self.parameters, self.macos, self.ios = parameters, macos, ios

    def is_newer(self, minimum):
        return self.macos > minimum.macos or self.ios > minimum.ios

    def takes(self, labels, closures):
        """Whether it can be called with these labels, and so many closures behind the parentheses."""
        given = list(labels)
        for label, may_be_left_out, is_closure in self.parameters:
            if given and given[0] == label:
                given.pop(0)
            elif is_closure and closures:
                closures -= 1
            elif not may_be_left_out:
                return False
        return not given and not closures

    def __str__(self):
        labels = "".join(f"{label}:" for label, _, _ in self.parameters)
        call = f"({labels})" if self.kind in ("func", "init") else ""
        return f"{self.container}.{self.name}{call}" if self.container else f"{self.name}{call}"


class Interfaces:
    def __init__(self, folder, modules):
        self.read, self.declarations = [], []
        for module in modules:
            files = sorted((folder / f"{module}.swiftmodule").glob("*.swiftinterface"))
            files = [file for file in files if ".private." not in file.name]
            if files:
                self.read.append(module)
                self.declarations += declarations(module, files[0].read_text())
        self.outer = {one.name for one in self.declarations if one.kind in TYPES and not one.container}
        self.named = collections.defaultdict(list)
        for declaration in self.declarations:
            name = declaration.container if declaration.kind == "init" else declaration.name
            self.named[name].append(declaration)

    @functools.cache
    def late(self, minimum):
        """Names of which something is newer than the minimum, and modules of which everything is."""
        late = {name for name, found in self.named.items() if any(one.is_newer(minimum) for one in found)}
        older = {one.module for one in self.declarations if one.kind in TYPES and not one.is_newer(minimum)}
        return late, set(self.read) - older

    def newer(self, source, minimum, own, foundation):
        """Line, name and, where it is known, version of each use of what is newer than the minimum, and is not guarded."""
        late, modules = self.late(minimum)
        spans = source.guarded()
        places = [place for place, _ in spans]
        for match in re.finditer(r"(?<![\w`])([A-Za-z_]\w*)", source.code):
            name = match[1]
            if name not in late and name not in foundation and name not in modules:
                continue
            found = self.used(source, match, minimum, own, modules, foundation)
            if found is None:
                continue
            systems = spans[bisect.bisect_right(places, match.start()) - 1][1]
            if isinstance(found, Declaration):
                if systems and systems.macos >= found.macos and systems.ios >= found.ios:
                    continue
                yield source.line(match.start()), str(found), f", of macOS {shown(found.macos)} and iOS {shown(found.ios)},"
            elif not systems:
                yield source.line(match.start()), found, ""

    def used(self, source, match, minimum, own, modules, foundation):
        """The newer declaration that a name stands for; nil where it is something else, or something older can be meant."""
        name, code = match[1], source.code
        before = code[max(0, match.start() - 40) : match.start()]
        if re.search(r"\bimport\s+(?:\w+\s+)?$", before):
            return name if name in modules else None
        if re.search(r"\b(?:struct|class|enum|actor|protocol|typealias|func|let|var|case|macro|extension)\s+$", before) and name in own:
            return None
        if name in foundation:
            return name if name not in own else None
        labels, closures = call(code, match.end())
        container = re.search(r"([A-Z]\w*)(?:<[^<>]*>)?\.$", before)
        is_member = before.endswith((".", "?.", "!."))
        candidates = []
        for one in self.named[name]:
            if one.kind == "init":
                if labels is not None and name not in own and name in self.outer and one.takes(labels, closures):
                    candidates.append(one)
            elif one.kind in TYPES or one.kind == "typealias" and not one.container:
                if name not in own and (not one.container or container and container[1] == one.container):
                    candidates.append(one)
            elif one.kind in ("func", "macro"):
                if labels is None or is_member != bool(one.container) or not one.takes(labels, closures):
                    continue
                if name not in own or container and container[1] == one.container:
                    candidates.append(one)
            elif one.kind in ("var", "let", "case") and is_member and one.container and labels is None and name not in own:
                candidates.append(one)
        if is_member and name == "init" and labels:
            candidates = [one for one in self.declarations if one.kind == "init" and one.takes(labels, closures)]
        types = [one for one in candidates if one.kind in TYPES]
        if types and all(one.is_newer(minimum) for one in types):
            return types[0]
        candidates = [one for one in candidates if one.kind not in TYPES]
        if not candidates or not all(one.is_newer(minimum) for one in candidates):
            return None
        return candidates[0]


def call(code, index):
    """The labels of a call's arguments, and how many closures follow it; none where it is no call."""
    labels = None
    index = skip(code, index)
    if code[index : index + 1] == "<":
        end = re.match(r"<[^<>{}();]*(?:<[^<>{}();]*>[^<>{}();]*)*>", code[index:])
        index = index + end.end() if end else index
    if code[index : index + 1] == "(":
        parts, index = split(code, index)
        labels = [match[1] if (match := re.match(r"\s*(\w+)\s*:(?!:)", part)) else "_" for part in parts if part.strip()]
    closures, place = 0, re.match(r"[ \t]*", code[index:]).end() + index
    if code[place : place + 1] == "{" and (labels is not None or re.match(r"\{[^{}\n]*(\bin\b|await|try|\$0)", code[place:])):
        labels, closures = labels or [], 1
    return labels, closures


def skip(code, index):
    return index + 1 if code[index : index + 1] == "?" and code[index + 1 : index + 2] == "(" else index


def split(code, index):
    """What is between commas from this parenthesis to its end, and what follows."""
    parts, depth, start = [], 0, index + 1
    for place in range(index, len(code)):
        sign = code[place]
        if sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
            if depth == 0:
                return parts + [code[start:place]], place + 1
        elif sign == "," and depth == 1:
            parts.append(code[start:place])
            start = place + 1
    return parts, len(code)


def declarations(module, text):
    """Reads an interface, which the compiler writes: a declaration on one line, what is in it indented."""
    found, stack, pending, body = [], [], [], None
    for line in text.split("\n"):
        content = line.strip()
        if not content or content.startswith(("//", "#")):
            continue
        indentation = len(line) - len(line.lstrip())
        if body is not None:
            if indentation > body or content == "}":
                if indentation <= body:
                    body = None
                continue
            body = None
        while stack and indentation <= stack[-1][0] and not content.startswith("}"):
            stack.pop()
        rest = content
        while attribute := ATTRIBUTE.match(rest):
            pending.append(attribute[0])
            rest = rest[attribute.end() :]
        if not rest:
            continue
        match = DECLARATION.match(rest)
        if not match:
            pending = []
            continue
        kind, name = match[1], match[2] or ""
        outer = stack[-1] if stack else (0, "", NONE, NONE)
        macos, ios = (max(since(pending, system), before) for system, before in (("macOS", outer[2]), ("iOS", outer[3])))
        is_unavailable = any(re.match(r"@available\(\*, unavailable", attribute) for attribute in pending)
        pending = []
        if kind in TYPES or kind == "extension":
            name = name.rsplit(".", 1)[-1]
            if kind != "extension":
                found.append(Declaration(module, outer[1], kind, name, [], macos, ios))
            if content.endswith("{"):
                stack.append((indentation, name, macos, ios))
            continue
        if content.endswith("{"):
            body = indentation
        if is_unavailable or kind != "init" and not re.fullmatch(r"[A-Za-z]\w*", name):
            continue
        parameters = parse(rest[match.end() :]) if kind in ("func", "init", "macro") else []
        found.append(Declaration(module, outer[1], kind, "init" if kind == "init" else name, parameters, macos, ios))
    return found


def since(attributes, system):
    found = NONE
    for attribute in attributes:
        match = re.match(rf"@available\((?:.*?[(,]\s*)?{system}(?:,\s*introduced:)?\s+([\d.]+)", attribute)
        if match and "deprecated" not in attribute.split(match[1])[0]:
            found = max(found, version(match[1]))
    return found


def parse(rest):
    """Of each parameter its label, whether it may be left out, and whether it is a function."""
    rest = rest.replace("->", "=>")
    start = rest.find("(") if not rest.startswith("<") else rest.find("(", generics(rest))
    if start < 0:
        return []
    parts, _ = split(rest.replace("=>", "~~"), start)
    parameters, carried = [], ""
    for part in parts:
        carried += part
        if carried.count("<") > carried.count(">"):
            carried += ","
            continue
        match = re.match(r"\s*(?:@\w+(?:\([^)]*\))?\s+)*(\w+)(?:\s+\w+)?\s*:", carried)
        if match:
            parameters.append((match[1], " = " in carried or "..." in carried, "~~" in carried))
        carried = ""
    return parameters


def generics(text):
    depth = 0
    for index, sign in enumerate(text):
        depth += (sign == "<") - (sign == ">" and text[index - 1] != "=")
        if depth == 0:
            return index
    return 0
