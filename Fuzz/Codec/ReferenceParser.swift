/// The standard's rules written down as plainly as possible, for one whole stream and without limits: what the real
/// parser is compared with.
struct ReferenceParser {
    private(set) var outputs: [EventStreamParser.Output] = []
    private(set) var lastEventID = ""
    private var id = ""
    private var type = ""
    private var data: [UInt8]?

    init(_ bytes: [UInt8]) {
        var line: [UInt8] = []
        var rest = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        while let byte = rest.popFirst() {
            switch byte {
            case 0x0D, 0x0A:
                if byte == 0x0D, rest.first == 0x0A { rest.removeFirst() }
                take(line)
                line = []
            default:
                line.append(byte)
            }
        }
    }

    private mutating func take(_ line: [UInt8]) {
        guard !line.isEmpty else { return finishBlock() }
        let colon = line.firstIndex(of: 0x3A) ?? line.endIndex
        var value = line.dropFirst(colon + 1)
        if colon == 0 {
            outputs.append(.comment(String(decoding: value, as: UTF8.self)))
            return
        }
        if value.first == 0x20 { value.removeFirst() }
        switch String(decoding: line[..<colon], as: UTF8.self) {
        case "data":
            data = (data.map { $0 + [0x0A] } ?? []) + value
        case "event":
            type = String(decoding: value, as: UTF8.self)
        case "id" where !value.contains(0):
            id = String(decoding: value, as: UTF8.self)
        case "retry" where !value.isEmpty && value.allSatisfy { (0x30...0x39).contains($0) }:
            if let milliseconds = Int(String(decoding: value, as: UTF8.self)) {
                outputs.append(.retry(milliseconds: milliseconds))
            }
        default:
            break
        }
    }

    private mutating func finishBlock() {
        lastEventID = id
        if let data {
            let text = String(decoding: data, as: UTF8.self)
            let type = type.isEmpty ? "message" : type
            outputs.append(.event(ServerSentEvent(type: type, data: text, lastEventID: id)))
        }
        data = nil
        type = ""
    }
}
