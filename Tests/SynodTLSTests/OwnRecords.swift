#if TLS
  internal import COpenSSL

  @testable import SynodTLS

  /// Records of a client that does as it likes: OpenSSL itself would never send them.
  struct OwnRecords {
    private let key: [UInt8]
    private let nonce: [UInt8]
    private var count: UInt8 = 0

    /// Has a context tell the secrets of its connections, of which one is made at a time.
    static func listen(to context: TLSContext) {
      SSL_CTX_set_keylog_callback(context.raw) { _, line in
        let words = line.map { String(cString: $0) }?.split(separator: " ") ?? []
        guard words.count == 3, words[0] == "CLIENT_TRAFFIC_SECRET_0" else { return }
        OwnRecords.heard = OwnRecords.bytes(ofHex: words[2])
      }
    }

    nonisolated(unsafe) private static var heard: [UInt8] = []

    private static func bytes(ofHex text: Substring) -> [UInt8] {
      let digits = text.utf8.map { $0 < 0x3a ? $0 - 0x30 : ($0 | 0x20) - 0x57 }
      return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    /// Of the client whose secrets were heard last, which has not sent anything yet.
    init() {
      key = Self.expand("key", 32)
      nonce = Self.expand("iv", 12)
    }

    /// RFC 8446, 7.1, with SHA-384 and an empty context; one block is enough.
    private static func expand(_ label: String, _ count: UInt8) -> [UInt8] {
      let label = Array("tls13 \(label)".utf8)
      let info = [0, count, UInt8(label.count)] + label + [0, 1]
      var block = [UInt8](repeating: 0, count: 48)
      HMAC(EVP_sha384(), heard, Int32(heard.count), info, info.count, &block, nil)
      return Array(block.prefix(Int(count)))
    }

    /// RFC 8446, 5.2; of that type, with AES-256-GCM.
    mutating func seal(_ bytes: [UInt8], type: UInt8) -> [UInt8] {
      var nonce = nonce
      nonce[11] ^= count
      count += 1
      let plain = bytes + [type]
      let head: [UInt8] = [23, 3, 3, 0, UInt8(plain.count + 16)]
      var sealed = [UInt8](repeating: 0, count: plain.count)
      var tag = [UInt8](repeating: 0, count: 16)
      var filled: Int32 = 0
      let cipher = EVP_CIPHER_CTX_new()
      EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), nil, key, nonce)
      EVP_EncryptUpdate(cipher, nil, &filled, head, 5)
      EVP_EncryptUpdate(cipher, &sealed, &filled, plain, Int32(plain.count))
      EVP_EncryptFinal_ex(cipher, nil, &filled)
      EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, 16, &tag)
      EVP_CIPHER_CTX_free(cipher)
      return head + sealed + tag
    }
  }
#endif
