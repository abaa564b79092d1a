/// An array that grows at its end and whose copies stay as they were for the price of a reference: a tree of leaves
/// of `width` elements, and a tail that fills up to be the next leaf.
///
/// An `Array` would do as long as nobody keeps a copy. A reader of snapshots does, and each append would then copy
/// everything. Here it copies a tail at most, and the way to a leaf once in `width` appends.
struct PersistentArray<Element: Sendable>: Sendable {
    private enum Node: Sendable {
        case leaf([Element])
        case branch([Node])
    }

    private static var bits: Int { 4 }
    private static var width: Int { 1 << bits }

    private var root: Node?
    /// How many branches stand above each leaf.
    private var height = 0
    /// How many elements the tree holds.
    private var treeCount = 0
    private var tail: [Element] = []

    init() {}

    init(_ elements: some Sequence<Element>) {
        for element in elements { append(element) }
    }

    var count: Int { treeCount + tail.count }
    var isEmpty: Bool { count == 0 }

    subscript(index: Int) -> Element {
        if index >= treeCount { return tail[index - treeCount] }
        guard var node = root, index >= 0 else { preconditionFailure("Index \(index) is out of range") }
        var shift = height * Self.bits
        while case .branch(let children) = node {
            node = children[(index >> shift) & (Self.width - 1)]
            shift -= Self.bits
        }
        guard case .leaf(let elements) = node else { preconditionFailure("The way down ends at a leaf") }
        return elements[index & (Self.width - 1)]
    }

    mutating func append(_ element: Element) {
        tail.append(element)
        guard tail.count == Self.width else { return }
        let leaf = Node.leaf(tail)
        if let root {
            if treeCount == 1 << ((height + 1) * Self.bits) {
                self.root = .branch([root, Self.branches(height, above: leaf)])
                height += 1
            } else {
                self.root = Self.adding(leaf, at: treeCount, to: root, height: height)
            }
        } else {
            root = leaf
        }
        treeCount += Self.width
        tail = []
    }

    mutating func replace(at index: Int, with element: Element) {
        if index >= treeCount {
            tail[index - treeCount] = element
        } else if let root {
            self.root = Self.replacing(at: index, with: element, in: root, height: height)
        }
    }

    private static func branches(_ height: Int, above leaf: Node) -> Node {
        (0..<height).reduce(leaf) { node, _ in .branch([node]) }
    }

    private static func adding(_ leaf: Node, at index: Int, to node: Node, height: Int) -> Node {
        guard case .branch(var children) = node else { preconditionFailure("A leaf is added only below a branch") }
        let place = (index >> (height * bits)) & (width - 1)
        if place == children.count {
            children.append(branches(height - 1, above: leaf))
        } else {
            children[place] = adding(leaf, at: index, to: children[place], height: height - 1)
        }
        return .branch(children)
    }

    private static func replacing(at index: Int, with element: Element, in node: Node, height: Int) -> Node {
        let place = (index >> (height * bits)) & (width - 1)
        switch node {
        case .leaf(var elements):
            elements[place] = element
            return .leaf(elements)
        case .branch(var children):
            children[place] = replacing(at: index, with: element, in: children[place], height: height - 1)
            return .branch(children)
        }
    }
}

extension PersistentArray: RandomAccessCollection {
    var startIndex: Int { 0 }
    var endIndex: Int { count }
}
