import Crypto
import Foundation
import TextCodecs

@available(freshet 0.1, *)
extension KeyRing {
    /// The shortest plain key that is taken. 16 characters of hex are 64 bits: guessing over a network ends nowhere.
    static let shortestKey = 16

    /// Reads the text of a keys file.
    /// - Parameters:
    ///   - text: LF or CRLF lines of `name key rights prefix [prefix...]`, fields separated by spaces or tabs.
    ///   - file: The file's name for errors.
    /// - Throws: `KeyFileError` for the first line that is wrong, and for a file without a key.
    package init(parsing text: String, file: String) throws(KeyFileError) {
        var keys: [Key] = []
        var warnings: [String] = []
        var number = 0
        for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            do throws(Refusal) {
                let fields = Self.fields(of: line, first: number == 1)
                if let key = try Self.key(fields: fields) {
                    try Self.add(key, to: &keys)
                    warnings += fields[3...].compactMap(Self.warning).map { "\(file):\(number): \($0)" }
                }
            } catch {
                throw KeyFileError(file: file, line: number, reason: error.reason)
            }
        }
        guard !keys.isEmpty else {
            throw KeyFileError(
                file: file,
                line: nil,
                reason: "the file has no key, so nobody could do anything; add a line `name key rights prefix`"
            )
        }
        self.init(keys: keys, warnings: warnings)
    }

    /// What to say of a prefix that ends within a name.
    private static func warning(_ prefix: String) -> String? {
        guard let last = prefix.utf8.last, last != UInt8(ascii: "/"), last != UInt8(ascii: "*") else { return nil }
        return "\(prefix) is every stream whose name begins with that, \(prefix)0 too. Write \(prefix)* if you mean "
            + "that, or \(prefix)/ for the streams below it"
    }

    private static func fields(of line: Substring.UTF8View, first: Bool) -> [String] {
        var bytes = line[...]
        if first, bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            bytes = bytes.dropFirst(3)
        }
        if bytes.last == UInt8(ascii: "\r") {
            bytes = bytes.dropLast()
        }
        return bytes.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            .prefix { $0.first != UInt8(ascii: "#") }
            .map { String(decoding: $0, as: UTF8.self) }
    }

    private static func key(fields: [String]) throws(Refusal) -> Key? {
        if fields.isEmpty {
            return nil
        }
        guard fields.count >= 4 else {
            throw Refusal(
                "a line is `name key rights prefix [prefix...]`, and this one has \(fields.count) of the four"
            )
        }
        guard isName(fields[0]) else {
            throw Refusal("a name is 1 to 64 letters, digits, - and _ of ASCII; change the first field")
        }
        let digest = try digest(fields[1])
        let rights = try rights(fields[2])
        var prefixes: [StreamPrefix] = []
        for field in fields[3...] {
            prefixes.append(try StreamPrefix(parsing: field))
        }
        return Key(digest: digest, caller: Caller(name: fields[0], grants: [Caller.Grant(rights, prefixes)]))
    }

    private static func add(_ key: Key, to keys: inout [Key]) throws(Refusal) {
        let name = key.caller.name
        if let other = keys.first(where: { $0.digest == key.digest && $0.caller.name != name }) {
            throw Refusal("\(name) and \(other.caller.name) have the same key; give each its own")
        }
        guard let index = keys.firstIndex(where: { $0.caller.name == name }) else {
            keys.append(key)
            return
        }
        guard keys[index].digest == key.digest else {
            throw Refusal("\(name) already has another key; while you change a key, give the new one a new name")
        }
        keys[index].caller.grants += key.caller.grants
    }

    private static func digest(_ field: String) throws(Refusal) -> [UInt8] {
        let prefix = "sha256:"
        if field.utf8.starts(with: prefix.utf8) {
            guard let digest = bytes(hex: field.utf8.dropFirst(prefix.utf8.count)), digest.count == 32 else {
                throw Refusal("sha256: is followed by 64 hex digits; print them with `printf %s KEY | sha256sum`")
            }
            return digest
        }
        guard field.utf8.count >= shortestKey else {
            throw Refusal("the key is shorter than \(shortestKey) characters; make one with `openssl rand -hex 32`")
        }
        guard BearerToken.isToken(field.utf8) else {
            throw Refusal(
                "the key has a character that no Authorization header may carry (RFC 6750, 2.1); "
                    + "make one with `openssl rand -hex 32`"
            )
        }
        return Array(SHA256.hash(data: Array(field.utf8)))
    }

    private static func rights(_ field: String) throws(Refusal) -> Rights {
        var rights: Rights = []
        for name in field.split(separator: ",", omittingEmptySubsequences: false) {
            guard let right = Rights(name: String(name)) else {
                let known = Rights.named.map(\.name).joined(separator: ",")
                throw Refusal("\"\(name)\" is no right; write all, or some of \(known), without spaces between")
            }
            rights.formUnion(right)
        }
        return rights
    }

    private static func isName(_ field: String) -> Bool {
        1...64 ~= field.utf8.count
            && field.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    private static func bytes(hex: some Collection<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in hex {
            guard let value = Hexadecimal.value(digit) else { return nil }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return high == nil ? bytes : nil
    }
}
