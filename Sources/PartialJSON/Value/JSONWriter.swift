/// Writes values as JSON without whitespace.
struct JSONWriter {
    private(set) var text = ""

    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: text += "null"
        case .bool(let bool): text += bool ? "true" : "false"
        case .number(let number): text += number.text
        case .string(let string): write(string.text)
        case .array(let array): write(array)
        case .object(let object): write(object)
        }
    }

    private mutating func write(_ array: JSONArray) {
        text += "["
        var separator = ""
        for element in array {
            text += separator
            write(element)
            separator = ","
        }
        text += "]"
    }

    private mutating func write(_ object: JSONObject) {
        text += "{"
        var separator = ""
        for (key, value) in object {
            text += separator
            write(key)
            text += ":"
            write(value)
            separator = ","
        }
        text += "}"
    }

    private mutating func write(_ string: String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\0"..<" ":
                text += scalar.value < 0x10 ? "\\u000" : "\\u00"
                text += String(scalar.value, radix: 16)
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
