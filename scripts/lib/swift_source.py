"""A file of Swift, as far as scripts/check-availability reads one: its code without comments and text, and without what is not
compiled for Apple's systems."""

import re

from swift_interface import NONE, version

IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
TOP_LEVEL = re.compile(
    r"(?:(?:public|package|internal|private|fileprivate|open|final|indirect|nonisolated(?:\(unsafe\))?|isolated|distributed"
    r"|prefix|postfix|infix|@\w+(?:\([^)]*\))?)\s+)*(struct|class|enum|actor|protocol|extension|func|let|var|typealias|macro)\b"
)
# What an own declaration is called. Parameters and constants of a function count too: their names are not the library's.
DECLARED = re.compile(r"\b(?:struct|class|enum|actor|protocol|typealias|func|let|var|case|associatedtype|macro)\s+`?(\w+)")
CASES = re.compile(r"\bcase\s+((?:\w+(?:\([^()]*\))?\s*,\s*)+\w+)")
SPECIAL = re.compile(r'//|/\*|#*"|[()]')
PLATFORM = {
    "canImport(Darwin)": True, "canImport(Foundation)": True, "os(macOS)": True, "canImport(Glibc)": False, "canImport(Musl)": False,
    "canImport(Android)": False, "canImport(FoundationEssentials)": False, "canImport(FoundationNetworking)": False, "os(Linux)": False,
}


class Source:
    def __init__(self, path):
        self.path = path
        self.code = of_apple(code_alone(path.read_text()))
        self.declared = set(DECLARED.findall(self.code))
        for names in CASES.findall(self.code):
            self.declared.update(re.findall(r"\w+(?=\(|,|$|\s)", re.sub(r"\([^()]*\)", "", names)))

    def line(self, position):
        return self.code.count("\n", 0, position) + 1

    def top_level(self):
        """Line, kind and attributes of each declaration that is in no other."""
        lines = self.code.split("\n")
        depth, attributes, inside = 0, [], 0
        for number, line in enumerate(lines, 1):
            if depth == 0 and not line[:1].isspace():
                if inside:
                    attributes.append(line)
                elif line.startswith("@") and not TOP_LEVEL.match(line):
                    attributes.append(line)
                elif match := TOP_LEVEL.match(line):
                    yield number, match[1], " ".join(attributes + [line[: match.start(1)]])
                    attributes = []
                elif line.strip() and not line.startswith("#"):
                    attributes = []
            depth += line.count("{") - line.count("}")
            inside += line.count("(") - line.count(")") if depth == 0 else 0

    def guarded(self):
        """For each position where a block begins or ends, or a guard, the systems that code behind it may count on."""
        spans, stack, pending = [(0, None)], [None], None
        tokens = re.compile(r"[{}]|[#@]available\s*\(([^)]*)\)")
        for match in tokens.finditer(self.code):
            if match[0] == "{":
                if isinstance(pending, tuple) and pending[0] == "guard":
                    stack.append(stack[-1])
                    stack[-2] = newest(stack[-2], pending[1])
                else:
                    stack.append(newest(stack[-1], pending))
                pending = None
            elif match[0] == "}":
                if len(stack) > 1:
                    stack.pop()
                pending = None
            else:
                systems = asked(match[1])
                before = self.code[max(0, match.start() - 200) : match.start()]
                is_guard = match[0][0] == "#" and re.search(r"\bguard\b[^{}]*$", before) is not None
                pending = ("guard", systems) if is_guard else newest(pending if isinstance(pending, Systems) else None, systems)
                # What is between it and its block, as a function's parameters are.
                spans.append((match.end(), stack[-1] if is_guard else newest(stack[-1], pending)))
                continue
            spans.append((match.end(), stack[-1]))
        return spans


class Systems:
    def __init__(self, macos, ios):
        self.macos, self.ios = macos, ios


def asked(text):
    found = {system: version(number) for system, number in re.findall(r"\b(macOS|iOS)\s+([\d.]+)", text)}
    return Systems(found.get("macOS", NONE), found.get("iOS", NONE)) if found else None


def newest(one, other):
    if one is None or other is None:
        return one or other
    return Systems(max(one.macos, other.macos), max(one.ios, other.ios))


def code_alone(text):
    """The same, with blanks where comments and text are. Code in a text stays."""
    blanks = []

    def string(index, hashes):
        quotes = '"""' if text.startswith('"""', index + hashes) else '"'
        start, index = index, index + hashes + len(quotes)
        pounds = "#" * hashes
        marks = re.compile(rf"{quotes}{pounds}|\\{pounds}(\(?)")
        while match := marks.search(text, index):
            index = match.end()
            if match[0].startswith('"'):
                blanks.append((start, index))
                return index
            if match[1]:
                blanks.append((start, index))
                start = index = code(index, is_nested=True)
            else:
                index += 1
        return len(text)

    def code(index, is_nested=False):
        depth = 0
        while match := SPECIAL.search(text, index):
            sign, index = match[0], match.end()
            if sign == "//":
                end = text.find("\n", index)
                blanks.append((match.start(), end))
                index = end
            elif sign == "/*":
                end = text.find("*/", index) + 2
                blanks.append((match.start(), end))
                index = end
            elif sign[-1] == '"':
                index = string(match.start(), len(sign) - 1)
            elif is_nested:
                depth += 1 if sign == "(" else -1
                if depth < 0:
                    return index - 1
        return len(text)

    code(0)
    output, place = [], 0
    for start, end in sorted(blanks):
        output += [text[place:start], re.sub(r"[^\n]", " ", text[start:end])]
        place = end
    return "".join(output) + text[place:]


def of_apple(code):
    """The same, with blanks where `#if` leaves out what Apple's systems compile."""
    lines, stack = code.split("\n"), []
    for number, line in enumerate(lines):
        directive = line.strip()
        if directive.startswith("#if "):
            stack.append([holds(directive[4:]), False])
            stack[-1][1] = stack[-1][0] is True
        elif directive.startswith("#elseif ") and stack:
            taken = stack[-1][1]
            stack[-1][0] = False if taken else holds(directive[8:])
            stack[-1][1] = taken or stack[-1][0] is True
        elif directive == "#else" and stack:
            stack[-1][0] = not stack[-1][1]
        elif directive == "#endif" and stack:
            stack.pop()
        elif any(state[0] is False for state in stack):
            lines[number] = ""
    return "\n".join(lines)


def holds(condition):
    """Whether it does on Apple's systems; None where other flags decide."""
    for known, value in PLATFORM.items():
        condition = condition.replace(known, str(value))
    if re.search(r"[^\w\s()!&|]", condition):
        return None
    condition = condition.replace("&&", " and ").replace("||", " or ").replace("!", " not ")
    words = set(IDENTIFIER.findall(condition)) - {"and", "or", "not", "True", "False"}
    if re.search(r"\w\s*\(", re.sub(r"\b(and|or|not)\s*\(", "(", condition)):
        return None
    values = {eval(condition, {"__builtins__": {}}, {word: value for word in words}) for value in (True, False)}
    return values.pop() if len(values) == 1 else None
