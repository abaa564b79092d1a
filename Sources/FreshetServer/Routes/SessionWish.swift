import TextCodecs

/// What the body of `POST /v1/session` asks for: less than its key or token has.
@available(freshet 0.1, *)
struct SessionWish: Sendable {
    /// Rights on all names on which there are any.
    var everywhere: Rights = []
    /// In the order of the body.
    var grants: [(right: String, rights: Rights, pattern: String, prefix: StreamPrefix)] = []
    /// Seconds; nil for as long as there is.
    var lifetime: Int64?

    /// - Throws: `Refusal` with a sentence for what is no such body.
    init(parsing body: [UInt8]) throws(Refusal) {
        guard (try? JSONText.validate(body)) != nil, JSONSlice(body).raw.first == UInt8(ascii: "{") else {
            throw Refusal("The body is no JSON object.")
        }
        var seen: Set<String> = []
        for (name, value) in JSONSlice(body).members {
            guard seen.insert(name).inserted else { throw Refusal("The body says \"\(name)\" twice.") }
            if name == "for" {
                guard let seconds = value.integer, seconds > 0 else {
                    throw Refusal("\"for\" is no whole number of seconds above 0.")
                }
                lifetime = Int64(seconds)
                continue
            }
            guard let rights = Rights(name: name) else { throw Refusal("\"\(name)\" is no right, and not \"for\".") }
            if value.raw.elementsEqual("true".utf8) {
                everywhere.formUnion(rights)
                continue
            }
            guard value.raw.first == UInt8(ascii: "["), !value.elements.isEmpty else {
                throw Refusal("\"\(name)\" has no list of names, and is not true.")
            }
            for element in value.elements {
                guard let pattern = element.string else { throw Refusal("\"\(name)\" has what is no name.") }
                do throws(Refusal) {
                    grants.append((name, rights, pattern, try StreamPrefix(pattern: pattern)))
                } catch {
                    throw Refusal("\"\(name)\" has a wrong name: \(error.reason).")
                }
            }
        }
    }

    /// Nothing in particular.
    init() {}

    /// What the session is for at most where the request names nothing: reading.
    var rightsEverywhere: Rights { everywhere.isEmpty && grants.isEmpty ? .read : everywhere }
}
