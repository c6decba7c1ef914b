/// The transport asks the store which store each peer is known by.
extension DataDirectory: PinBook {}
