import Foundation
import StreamCore

@testable import FreshetServer
@testable import StreamHTTP

/// How often a way in was open, and how often it was not.
struct RightsTally {
    var allowed: [RightsAsk.Way: Int] = [:]
    var refused: [RightsAsk.Way: Int] = [:]
    /// Sessions that were had, and requests that were open at a reload which took something away.
    var sessions = 0
    var lost = 0
}

extension RightsSituation {
    struct Failure: Sendable, CustomStringConvertible {
        /// Which of the asks it is; nil for none of them.
        var ask: Int?
        var description: String
    }

    /// What is wrong first, where everything is asked in order; nil where nothing is.
    func failure(counting tally: inout RightsTally) async throws -> Failure? {
        var desk = try await RightsDesk(self)
        var holder = RightsHolder(grants: grants)
        var wish: [WrittenGrant] = []
        if case .narrowed(let some) = session { wish = some }
        switch session {
        case .none: break
        case .plain, .narrowed:
            guard try await desk.takeSession(wish) else {
                return !wish.isEmpty && wish.allSatisfy(isBeyondDoubt)
                    ? Failure(ask: nil, description: "a session for \(wish) was refused") : nil
            }
            tally.sessions += 1
            holder.narrow(wish)
        }
        var open: [(ask: RightsAsk, grant: any AccessGrant)] = []
        var before = try await desk.streams()
        for (index, ask) in asks.enumerated() {
            let isList = ask.way == .list || ask.way == .search
            let seen = if isList { SeenReply() } else { await desk.ask(ask) }
            let after = try await desk.streams()
            var wrong = changeProblem(ask, holder, before, after)
            if isList {
                wrong = try await Self.listProblem(ask, holder, desk, before)
            } else if wrong == nil {
                wrong = problem(ask, holder, desk, seen, before, &tally)
            }
            if let wrong { return Failure(ask: index, description: "\(wrong): \(ask)") }
            open += seen.grants.map { (ask: ask, grant: $0) }
            desk.note(after, since: before)
            before = after
        }
        return try lossProblem(open, holder, desk, &tally).map { Failure(ask: nil, description: $0) }
    }

    /// Whether a session for it must be had: a whole name on which one grant has the right.
    private func isBeyondDoubt(_ wish: WrittenGrant) -> Bool {
        guard case .token(let name) = wish.pattern, let last = name.utf8.last, wish.right != "all",
            last != UInt8(ascii: "*"), last != UInt8(ascii: "/")
        else { return false }
        return grants.contains { $0.gives(wish.right, on: name) }
    }

    // MARK: One request

    /// Whether the answer is one for somebody who may, or who may not; and what it gives away.
    private func problem(
        _ ask: RightsAsk,
        _ holder: RightsHolder,
        _ desk: RightsDesk,
        _ seen: SeenReply,
        _ before: [NameBytes: StreamInfo],
        _ tally: inout RightsTally
    ) -> String? {
        let shown = seen.marks
        let mayBeSeen =
            shown.isEmpty
            ? []
            : before.keys
                .filter { !shown.isDisjoint(with: desk.marks(of: $0)) }
                .filter { holder.holds("read", on: String(decoding: $0, as: UTF8.self)) }
                .reduce(into: Set<Int>()) { $0.formUnion(desk.marks(of: $1)) }
        guard shown.isSubset(of: mayBeSeen) else { return "it shows what may not be read" }
        for name in seen.follows where !name.utf8.elementsEqual(ask.name.utf8) { return "it follows \(name)" }
        let tells = seen.fields.contains { $0.name.hasPrefix("Stream-") || $0.name == "ETag" || $0.name == "Location" }
        switch ask.way {
        case .options: return seen.status == 204 && !tells && seen.body.isEmpty ? nil : "a preflight tells something"
        case .probe: return seen.status >= 400 && !tells ? nil : "a probe that shows no token of its own is let in"
        case .session:
            if case .none = session { return nil }
            return seen.status >= 400 ? nil : "a session is given for a session"
        default: break
        }
        let names = ask.needs.map(\.name).filter { !$0.isEmpty || ![.node, .nodes, .metrics].contains(ask.way) }
        let areNames = names.allSatisfy(RightsHolder.isName)
        guard areNames, ask.needs.allSatisfy({ holder.holds($0.right, on: $0.name) }) else {
            tally.refused[ask.way, default: 0] += 1
            guard areNames ? seen.status == 403 : (400...403).contains(seen.status) else {
                return "\(seen.status) for who may not"
            }
            return tells || !seen.grants.isEmpty || !seen.follows.isEmpty ? "a refusal tells something" : nil
        }
        tally.allowed[ask.way, default: 0] += 1
        guard seen.status != 401, seen.status != 403 else { return "\(seen.status) for who may" }
        let marks = desk.marks(of: NameBytes(ask.name.utf8))
        if ask.brings, !marks.isEmpty, seen.status != 200 || !shown.isSuperset(of: marks) {
            return "\(seen.status), and not what the stream has"
        }
        guard ask.way == .describe, seen.status == 200 else { return nil }
        return Self.originProblem(try? JSONDecoder().decode(Described.self, from: Data(seen.body.utf8)), holder)
    }

    /// Whether somebody who asked may have changed what is another thing now.
    private func changeProblem(
        _ ask: RightsAsk,
        _ holder: RightsHolder,
        _ before: [NameBytes: StreamInfo],
        _ after: [NameBytes: StreamInfo]
    ) -> String? {
        for bytes in Set(before.keys).union(after.keys) where before[bytes] != after[bytes] {
            let name = String(decoding: bytes, as: UTF8.self)
            guard bytes == NameBytes(ask.name.utf8) else { return "it changed \(name.debugDescription)" }
            var needed: [(right: String, name: String)] = []
            let (old, new) = (before[bytes], after[bytes])
            let isOther = old?.birth != new?.birth
            if old != nil, isOther { needed.append(("delete", name)) }
            if let new, isOther {
                needed.append(("create", name))
                let source = new.forkedFrom?.source.text
                if let source { needed.append(("read", source)) }
                let inherited = source.flatMap { before[NameBytes($0.utf8)]?.events } ?? 0
                if new.events > inherited { needed.append(("append", name)) }
            }
            if let old, let new, !isOther, new.events != old.events || new.options != old.options {
                needed.append(("append", name))
            }
            if let end = new?.end, isOther || old?.end == nil {
                needed.append((end.reason == .cancelled ? "cancel" : "end", name))
            }
            for (right, name) in needed where !holder.holds(right, on: name) {
                return "it changed a stream without \(right) on \(name.debugDescription)"
            }
        }
        return nil
    }

    // MARK: Lists

    private struct Described: Decodable {
        var name: String
        var forkedFrom: String?
    }

    private struct Page: Decodable {
        var streams: [Described]
        var next: String?
    }

    private static func originProblem(_ described: Described?, _ holder: RightsHolder) -> String? {
        guard let described else { return "it is no description" }
        guard let source = described.forkedFrom, !holder.holds("read", on: source) else { return nil }
        return "it names the source \(source.debugDescription)"
    }

    /// Whether all pages together have exactly what may be seen, and in its order.
    private static func listProblem(
        _ ask: RightsAsk,
        _ holder: RightsHolder,
        _ desk: RightsDesk,
        _ streams: [NameBytes: StreamInfo]
    ) async throws -> String? {
        let other = NameBytes(ask.other.utf8)
        let expected = streams.keys.filter { name in
            let isAsked = ask.way == .list ? name.starts(with: other) : Self.has(name, other)
            let right = ask.way == .list ? "read" : "inspect"
            return isAsked && holder.holds(right, on: String(decoding: name, as: UTF8.self))
                && ask.cursor.map { NameBytes($0.utf8).lexicographicallyPrecedes(name) } ?? true
        }.sorted { $0.lexicographicallyPrecedes($1) }
        var found: [NameBytes] = []
        var next: String?
        repeat {
            let request = ask.page(after: next)
            let seen = await desk.ask(request.method, request.target, request.fields, request.body)
            // Who has the right on no name is refused.
            if ask.way == .search, seen.status == 403 { return expected.isEmpty ? nil : "403 for who may" }
            guard seen.status == 200 else { return "\(seen.status) for a list" }
            let page = try JSONDecoder().decode(Page.self, from: Data(seen.body.utf8))
            guard page.streams.count <= ask.limit else { return "a page is too long" }
            for described in page.streams {
                if let problem = originProblem(described, holder) { return problem }
                found.append(NameBytes(described.name.utf8))
            }
            next = page.next
        } while next != nil && found.count <= streams.count
        guard found != expected else { return nil }
        let names = { (names: [NameBytes]) in names.map { String(decoding: $0, as: UTF8.self).debugDescription } }
        return "a list has \(names(found)), not \(names(expected))"
    }

    /// Whether a name has a text in it, whatever the case of the letters of ASCII.
    private static func has(_ name: NameBytes, _ text: NameBytes) -> Bool {
        func small(_ bytes: NameBytes) -> NameBytes { bytes.map { (65...90).contains($0) ? $0 + 32 : $0 } }
        let (name, text) = (small(name), small(text))
        guard name.count >= text.count else { return false }
        return (0...(name.count - text.count)).contains { Array(name[$0..<($0 + text.count)]) == text }
    }

    // MARK: What was open

    /// Whether what is open after some grants are gone is what may be.
    private func lossProblem(
        _ open: [(ask: RightsAsk, grant: any AccessGrant)],
        _ holder: RightsHolder,
        _ desk: RightsDesk,
        _ tally: inout RightsTally
    ) throws -> String? {
        for (ask, grant) in open where !grant.stillHolds { return "nothing has changed, and it is lost: \(ask)" }
        guard credential == .key else { return nil }
        var fewer = self
        fewer.grants = grants.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        try desk.reload(fewer)
        var less = holder
        less.grants = fewer.grants
        for (ask, grant) in open {
            // Once a fork is made its source is not asked for.
            let needs = ask.needs.filter { ask.way != .forkWithBody || $0.right != "read" }
            let mayGoOn = needs.allSatisfy { less.holds($0.right, on: $0.name) }
            if !mayGoOn { tally.lost += 1 }
            if grant.stillHolds != mayGoOn { return "it is \(mayGoOn ? "lost" : "kept") by a reload: \(ask)" }
        }
        return nil
    }
}
