package io.vpasid.guest.config;

import java.nio.charset.StandardCharsets;

/// Functions that the tests describe.
public final class Descriptions {
  private Descriptions() {}

  /// The function that a file with this text describes.
  public static FunctionDescription of(String text) {
    return FunctionFile.read(text.getBytes(StandardCharsets.UTF_8), "f.json");
  }

  /// A function with 64 KiB of memory, 8 MSI-X vectors, a doorbell, ATS, PRI and PASID.
  public static FunctionDescription withMsix() {
    return of(
        """
        { "format": 1,
          "address": "0000:6a:01.0",
          "vendor": "0xf00d", "device": "0x0007", "class": "0x088000",
          "bars": [ { "index": 0, "size": "64K", "type": "memory64" } ],
          "msix": { "vectors": 8, "bar": 0, "table": "0x8000", "pba": "0x9000" },
          "doorbell": { "bar": 0, "offset": "0x10" },
          "ats": true, "pri": true, "pasid": { "width": 20, "priv": true } }
        """);
  }
}
