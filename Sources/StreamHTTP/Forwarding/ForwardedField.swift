/// The addresses in what proxies add to a request, from the client to the last proxy; nil for each that is none.
@available(freshet 0.1, *)
enum ForwardedField {
    /// Of `X-Forwarded-For`: addresses between commas, some of them with ports.
    static func hops(olderForm values: [String]) -> [IPAddress?] {
        values.flatMap { value in
            value.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map { element in
                address(of: String(decoding: trimmed(element), as: UTF8.self))
            }
        }
    }

    /// Of `Forwarded` (RFC 7239, section 4). Nothing of a value is known that breaks the rules: with a quotation mark too
    /// many, a client could make the proxy's words a part of its own.
    static func hops(_ values: [String]) -> [IPAddress?] {
        values.flatMap { value -> [IPAddress?] in
            var scanner = Scanner(rest: Array(value.utf8)[...])
            return scanner.elements() ?? [nil]
        }
    }

    /// Of an address, or one with a port: that of version 6 then has brackets.
    private static func address(of text: String) -> IPAddress? {
        if let address = IPAddress(parsing: text) { return address }
        let bytes = text.utf8
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")), isPort(bytes[bytes.index(after: end)...]) else {
                return nil
            }
            return IPAddress(parsing: String(text[text.utf8.index(after: text.startIndex)..<end]))
        }
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), isPort(bytes[colon...]) else { return nil }
        return IPAddress(parsing: String(text[..<colon]))
    }

    /// Nothing, or a colon and what stands for a port: its number, or a name for it that begins with a low line.
    private static func isPort(_ text: Substring.UTF8View) -> Bool {
        guard let colon = text.first else { return true }
        return colon == UInt8(ascii: ":") && text.count > 1 && text.dropFirst().allSatisfy(Scanner.isTokenByte)
    }

    private static func trimmed(_ text: Substring.UTF8View) -> Substring.UTF8View {
        var text = text.drop(while: Scanner.isBlank)
        while let last = text.last, Scanner.isBlank(last) { text = text.dropLast() }
        return text
    }

    /// What one proxy added.
    private struct Element {
        var address: IPAddress?
    }

    private struct Scanner {
        var rest: ArraySlice<UInt8>

        /// All elements; nil where it is not what the grammar allows.
        mutating func elements() -> [IPAddress?]? {
            var found: [IPAddress?] = []
            while true {
                skipBlanks()
                // A list may have empty elements (RFC 9110, section 5.6.1).
                if rest.first != UInt8(ascii: ","), !rest.isEmpty {
                    guard let element = element() else { return nil }
                    found.append(element.address)
                    skipBlanks()
                }
                guard let comma = rest.popFirst() else { return found }
                guard comma == UInt8(ascii: ",") else { return nil }
            }
        }

        /// Pairs between semicolons.
        private mutating func element() -> Element? {
            var told: [String] = []
            while true {
                if let name = token() {
                    guard take("="), let value = token() ?? quoted() else { return nil }
                    if name.lowercased() == "for" { told.append(value) }
                }
                guard take(";") else { break }
                // Some write a blank there, which the grammar does not have.
                skipBlanks()
            }
            // None of a parameter may occur twice.
            return Element(address: told.count == 1 ? ForwardedField.address(of: told[0]) : nil)
        }

        private mutating func take(_ byte: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: byte) else { return false }
            rest = rest.dropFirst()
            return true
        }

        private mutating func skipBlanks() { rest = rest.drop(while: Self.isBlank) }

        private mutating func token() -> String? {
            let token = rest.prefix(while: Self.isTokenByte)
            guard !token.isEmpty else { return nil }
            rest = rest[token.endIndex...]
            return String(decoding: token, as: UTF8.self)
        }

        private mutating func quoted() -> String? {
            guard take("\"") else { return nil }
            var text: [UInt8] = []
            while let byte = rest.popFirst() {
                switch byte {
                case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
                case UInt8(ascii: "\\"):
                    guard let next = rest.popFirst() else { return nil }
                    text.append(next)
                default: text.append(byte)
                }
            }
            return nil
        }

        static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

        /// RFC 9110, section 5.6.2.
        static func isTokenByte(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"):
                true
            default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
        }
    }
}
